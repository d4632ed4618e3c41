//! The folder of one process: the shutdown report, the marker of an unfinished run, and scratch
//! files.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

/// The most processes that share a folder.
const MAX_PROCESSES: usize = 256;

/// A folder that no other process uses while this value lives.
pub(super) struct StateDir {
    folder: PathBuf,
    /// The operating system releases the lock when the process ends, however it does.
    _lock: File,
}

impl StateDir {
    /// Takes `folder` or, if another replica on this machine has it, the first free one of
    /// `folder/replica-2`, `folder/replica-3` and so on.
    pub(super) fn take(folder: &Path) -> anyhow::Result<Self> {
        for number in 1..=MAX_PROCESSES {
            let folder = match number {
                1 => folder.to_owned(),
                number => folder.join(format!("replica-{number}")),
            };
            if let Some(taken) = Self::try_take(&folder)
                .with_context(|| format!("state.dir: {} cannot be used", folder.display()))?
            {
                return Ok(taken);
            }
        }
        bail!(
            "state.dir: more than {MAX_PROCESSES} processes use {}",
            folder.display()
        )
    }

    fn try_take(folder: &Path) -> anyhow::Result<Option<Self>> {
        std::fs::create_dir_all(folder)?;
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(Self {
                folder: folder.to_owned(),
                _lock: lock,
            })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// The folder.
    pub(super) fn path(&self) -> &Path {
        &self.folder
    }

    /// An empty folder for scratch files; what a dead process left there is useless.
    pub(super) fn scratch(&self) -> anyhow::Result<PathBuf> {
        let scratch = self.folder.join("scratch");
        match std::fs::remove_dir_all(&scratch) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => std::fs::create_dir_all(&scratch),
        }
        .with_context(|| format!("the folder {} cannot be used", scratch.display()))?;
        Ok(scratch)
    }

    /// Removes the scratch folder.
    pub(super) fn clean(&self) {
        // What is left is removed at the next start.
        let _ = std::fs::remove_dir_all(self.folder.join("scratch"));
    }
}
