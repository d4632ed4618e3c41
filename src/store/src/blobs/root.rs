//! The folder of the blobs: whether it exists and is the one that was opened.
//!
//! A folder that was moved, or a volume that is not mounted, holds none of the blobs. That differs
//! from a missing blob, and nothing must be written in its place.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use lastcall_domain::{BlobError, BlobResult};
use object_store::path::Path as ObjectPath;

use super::io;

/// The folder. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Root {
    path: PathBuf,
    /// Distinguishes the folder from another with the same path.
    identity: Arc<AtomicU64>,
}

impl Root {
    pub(super) fn open(path: PathBuf) -> std::io::Result<Self> {
        std::fs::create_dir_all(&path)?;
        let path = path.canonicalize()?;
        let identity = identity(&std::fs::metadata(&path)?);
        Ok(Self {
            path,
            identity: Arc::new(AtomicU64::new(identity)),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The file of a key or the folder of a prefix.
    pub(super) fn file(&self, path: &ObjectPath) -> PathBuf {
        self.path.join(path.as_ref())
    }

    /// # Errors
    /// [`BlobError::Unavailable`] if the folder does not exist, or was replaced by an empty one.
    pub(super) async fn is_present(&self) -> BlobResult<()> {
        let away = |why: &str| {
            let folder = self.path.display();
            BlobError::Unavailable(format!("the folder {folder} {why}"))
        };
        let found = match tokio::fs::metadata(&self.path).await {
            Ok(found) => identity(&found),
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(away("is gone")),
            Err(error) => return Err(io(&error)),
        };
        if found == self.identity.load(Ordering::Relaxed) {
            return Ok(());
        }
        let mut entries = tokio::fs::read_dir(&self.path)
            .await
            .map_err(|error| io(&error))?;
        let first = entries.next_entry().await.map_err(|error| io(&error))?;
        if first.is_none() {
            return Err(away(
                "is not the one that was opened and is empty; is its volume mounted?",
            ));
        }
        // The blobs were restored as a copy, or on another mount.
        self.identity.store(found, Ordering::Relaxed);
        Ok(())
    }

    /// Creates the folder of `target`, which is below this one. Never creates this one itself: if
    /// it was moved, its path must stay free for its return.
    pub(super) async fn make_folder_of(&self, target: &Path) -> BlobResult<()> {
        self.is_present().await?;
        let below = target
            .parent()
            .and_then(|folder| folder.strip_prefix(&self.path).ok());
        let mut folder = self.path.clone();
        for part in below.into_iter().flat_map(Path::components) {
            folder.push(part);
            match tokio::fs::create_dir(&folder).await {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(place(&error)),
            }
        }
        Ok(())
    }

    /// Distinguishes a missing blob from a missing folder: the caller must know of the first, while
    /// a job can wait for the second to pass.
    pub(super) async fn explain(&self, error: BlobError) -> BlobError {
        match error {
            BlobError::NotFound => match self.is_present().await {
                Ok(()) => BlobError::NotFound,
                Err(away) => away,
            },
            other => other,
        }
    }
}

/// As [`io`], if only the folder itself can be missing because somebody removed it.
pub(super) fn place(error: &std::io::Error) -> BlobError {
    match io(error) {
        BlobError::NotFound => BlobError::Unavailable(error.to_string()),
        other => other,
    }
}

#[cfg(unix)]
fn identity(folder: &std::fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    // The device number of a volume may change when it is mounted again.
    folder.ino()
}

#[cfg(not(unix))]
fn identity(_: &std::fs::Metadata) -> u64 {
    0
}
