//! The folder of the blobs: whether it exists and is the one that was opened.
//!
//! A folder that was moved away, or a volume that is not mounted, holds none of the blobs. That is
//! not the same as a blob that is not there, and nothing must be written in its place.

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
    /// What tells the folder from another of the same name.
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
    /// [`BlobError::Unavailable`] where the folder is not there, or another that is empty is.
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
        // The blobs came back as a copy, or on another mount.
        self.identity.store(found, Ordering::Relaxed);
        Ok(())
    }

    /// Makes the folder of `target`, which is below this one. Never this one itself: whatever was
    /// moved away would find its place taken when it comes back.
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

    /// Tells a blob that is not there from one whose whole folder is away: the first is what the
    /// caller has to know, the second passes, and a job waits for it.
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

/// As [`io`], where what is missing can only be the folder itself: somebody removed it.
pub(super) fn place(error: &std::io::Error) -> BlobError {
    match io(error) {
        BlobError::NotFound => BlobError::Unavailable(error.to_string()),
        other => other,
    }
}

#[cfg(unix)]
fn identity(folder: &std::fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    // The device of a volume may have another number when it is mounted again.
    folder.ino()
}

#[cfg(not(unix))]
fn identity(_: &std::fs::Metadata) -> u64 {
    0
}
