//! Blobs in a local folder.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use lastcall_domain::{BlobError, BlobKey, BlobResult, BlobStream, BlobWriter, Blobs, LocalBlob};
use object_store::local::LocalFileSystem;
use object_store::{GetResultPayload, ObjectStoreExt};
use tokio_util::io::ReaderStream;

use super::root::Root;
use super::staged::{Staged, install_file};
use super::{derived_from, io, object, object_path};

/// Bytes read at a time.
const READ_BUFFER: usize = 256 * 1024;

/// A folder. Keys cannot lead out of it. It must not be shared with other programs.
#[derive(Debug)]
pub(super) struct FolderBlobs {
    root: Root,
    store: LocalFileSystem,
}

impl FolderBlobs {
    /// Opens the folder, and creates it if it does not exist.
    pub(super) fn open(folder: PathBuf) -> BlobResult<Self> {
        let open = || -> std::io::Result<Self> {
            let root = Root::open(folder.clone())?;
            let store = LocalFileSystem::new_with_prefix(root.path())?;
            Ok(Self { root, store })
        };
        open().map_err(|error| {
            let folder = folder.display();
            BlobError::Failed(format!("cannot use the folder {folder}: {error}"))
        })
    }

    /// Converts the result of a lookup, checking that the folder itself exists.
    async fn found<T>(&self, found: object_store::Result<T>) -> BlobResult<T> {
        match found.map_err(object) {
            Ok(found) => Ok(found),
            Err(error) => Err(self.root.explain(error).await),
        }
    }
}

#[async_trait]
impl Blobs for FolderBlobs {
    async fn put(&self, key: &BlobKey, bytes: Bytes) -> BlobResult<()> {
        let mut writer = self.writer(key).await?;
        writer.write(bytes).await?;
        writer.finish().await
    }

    async fn put_file(&self, key: &BlobKey, file: &Path) -> BlobResult<()> {
        let target = self.root.file(&object_path(key.as_str())?);
        install_file(file, target, &self.root).await
    }

    async fn writer(&self, key: &BlobKey) -> BlobResult<Box<dyn BlobWriter>> {
        let target = self.root.file(&object_path(key.as_str())?);
        Ok(Box::new(Staged::begin(&self.root, target).await?))
    }

    async fn read(&self, key: &BlobKey) -> BlobResult<BlobStream> {
        let found = self.store.get(&object_path(key.as_str())?).await;
        let found = self.found(found).await?;
        let bytes = found.meta.size;
        let stream = match found.payload {
            // The library's stream would read 8 KiB at a time.
            GetResultPayload::File(file, _) => {
                let file = tokio::fs::File::from_std(file);
                ReaderStream::with_capacity(file, READ_BUFFER)
                    .map_err(|error| io(&error))
                    .boxed()
            }
            GetResultPayload::Stream(stream) => stream.map_err(object).boxed(),
        };
        Ok(BlobStream { bytes, stream })
    }

    async fn local(&self, key: &BlobKey) -> BlobResult<LocalBlob> {
        let path = object_path(key.as_str())?;
        self.found(self.store.head(&path).await).await?;
        Ok(LocalBlob::in_place(self.root.file(&path)))
    }

    async fn exists(&self, key: &BlobKey) -> BlobResult<bool> {
        let found = self.store.head(&object_path(key.as_str())?).await;
        match self.found(found).await {
            Ok(_) => Ok(true),
            Err(BlobError::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn delete(&self, key: &BlobKey) -> BlobResult<()> {
        let file = self.root.file(&object_path(key.as_str())?);
        let derived = derived_from(key);
        let derived = derived.rsplit('/').next().unwrap_or(&derived).to_owned();
        let Some(folder) = file.parent() else {
            return Ok(());
        };
        self.root.is_present().await?;
        remove(tokio::fs::remove_file(&file).await)?;
        let mut files = match tokio::fs::read_dir(folder).await {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            files => files.map_err(|error| io(&error))?,
        };
        while let Some(found) = files.next_entry().await.map_err(|error| io(&error))? {
            if found.file_name().to_string_lossy().starts_with(&derived) {
                remove(tokio::fs::remove_file(found.path()).await)?;
            }
        }
        Ok(())
    }

    async fn delete_prefix(&self, prefix: &str) -> BlobResult<()> {
        // The whole folder, so that half-written files are removed, too.
        let folder = self.root.file(&object_path(prefix)?);
        self.root.is_present().await?;
        io_result(remove_tree(folder).await)
    }

    async fn ping(&self) -> BlobResult<()> {
        self.root.is_present().await?;
        let probe = self
            .root
            .path()
            .join(format!(".ping-{}", uuid::Uuid::now_v7()));
        let written = tokio::fs::write(&probe, b"ping").await;
        let removed = tokio::fs::remove_file(&probe).await;
        match io_result(written).and(io_result(removed)) {
            Err(BlobError::NotFound) => Err(BlobError::Unavailable(format!(
                "the folder {} is gone",
                self.root.path().display()
            ))),
            pinged => pinged,
        }
    }
}

/// Removes a folder, file by file: dropping the future stops between two files, and leaves no
/// thread behind that continues.
async fn remove_tree(root: PathBuf) -> std::io::Result<()> {
    let mut left = vec![root];
    while let Some(folder) = left.last() {
        let mut entries = match tokio::fs::read_dir(folder).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                left.pop();
                continue;
            }
            entries => entries?,
        };
        let mut below = None;
        while let Some(entry) = entries.next_entry().await? {
            if entry.file_type().await?.is_dir() {
                below = Some(entry.path());
                break;
            }
            gone(tokio::fs::remove_file(entry.path()).await)?;
        }
        match below {
            Some(folder) => left.push(folder),
            None => {
                gone(tokio::fs::remove_dir(folder).await)?;
                left.pop();
            }
        }
    }
    Ok(())
}

/// What does not exist need not be removed.
fn gone(removed: std::io::Result<()>) -> std::io::Result<()> {
    match removed {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn io_result(result: std::io::Result<()>) -> BlobResult<()> {
    result.map_err(|error| io(&error))
}

/// What does not exist need not be removed.
fn remove(removed: std::io::Result<()>) -> BlobResult<()> {
    match io_result(removed) {
        Err(BlobError::NotFound) => Ok(()),
        other => other,
    }
}
