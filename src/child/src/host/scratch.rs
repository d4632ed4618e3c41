//! This process's folder below the configured scratch folder, and the sweep of folders left by
//! dead processes.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;

use tempfile::{TempDir, TempPath};

/// The file in such a folder that its process keeps locked while it runs.
const LOCK: &str = "lock";
/// The file that is locked while folders are created and swept.
const SWEEP: &str = ".sweep";

/// The folder of this process; removed with everything in it when this value is dropped.
#[derive(Debug)]
pub struct Scratch {
    folder: TempDir,
    /// Held for its lock, which ends with the process, however that ends.
    _lock: File,
}

impl Scratch {
    /// Sweeps `root` and creates a folder in it. Its name, like those of the swept folders, begins
    /// with `prefix`.
    ///
    /// # Errors
    /// If `root` cannot be created or written.
    pub fn new(root: &Path, prefix: &str) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        // Without this lock a peer could sweep the new folder before its own lock is taken.
        let sweep = lock_file(&root.join(SWEEP))?;
        sweep.lock()?;
        remove_abandoned(root, prefix)?;
        let folder = tempfile::Builder::new()
            .prefix(prefix)
            .tempdir_in(fs::canonicalize(root)?)?;
        let lock = lock_file(&folder.path().join(LOCK))?;
        lock.lock()?;
        Ok(Self {
            folder,
            _lock: lock,
        })
    }

    /// A new folder for a child.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn folder(&self, prefix: &str) -> io::Result<TempDir> {
        tempfile::Builder::new()
            .prefix(prefix)
            .tempdir_in(&self.folder)
    }

    /// A new file for a child's output.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn file(&self, prefix: &str) -> io::Result<(File, TempPath)> {
        let file = tempfile::Builder::new()
            .prefix(prefix)
            .tempfile_in(&self.folder)?;
        Ok(file.into_parts())
    }
}

fn lock_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
}

/// Removes the folders whose lock nobody holds.
fn remove_abandoned(root: &Path, prefix: &str) -> io::Result<()> {
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        let ours = entry.file_name().to_string_lossy().starts_with(prefix);
        if !ours || !entry.file_type()?.is_dir() {
            continue;
        }
        let lock = lock_file(&entry.path().join(LOCK))?;
        match lock.try_lock() {
            Ok(()) => fs::remove_dir_all(entry.path())?,
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn folders(root: &Path) -> usize {
        fs::read_dir(root)
            .unwrap()
            .filter(|e| e.as_ref().unwrap().path().is_dir())
            .count()
    }

    #[test]
    fn a_folder_of_a_dead_process_is_swept_and_one_of_a_live_process_is_not() {
        let root = tempfile::tempdir().unwrap();
        let dead = root.path().join("sql-dead");
        fs::create_dir_all(dead.join("query-1")).unwrap();
        fs::write(dead.join("query-1/spill"), "x").unwrap();
        fs::create_dir(root.path().join("unrelated")).unwrap();

        let first = Scratch::new(root.path(), "sql-").unwrap();
        assert!(!dead.exists());
        let second = Scratch::new(root.path(), "sql-").unwrap();
        assert_eq!(folders(root.path()), 3);

        drop(first);
        drop(second);
        assert_eq!(folders(root.path()), 1);
    }
}
