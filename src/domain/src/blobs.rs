//! The port of the blob stores: the bytes of datasets and of large results.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;

use crate::{BlobKey, Dependency};

/// Why a call to a blob store failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// There is no blob with this key.
    #[error("there is no such blob")]
    NotFound,
    /// It is unreachable or denies access; a retry may succeed.
    #[error("the blob store is unavailable: {0}")]
    Unavailable(String),
    /// It is full; a retry may succeed once there is room.
    #[error("the blob store is out of space: {0}")]
    NoSpace(String),
    /// Something else that it needs is unavailable: file descriptors, or the disk for copies of
    /// blobs.
    #[error("{dependency} unavailable: {detail}")]
    Environment {
        /// The dependency.
        dependency: Dependency,
        /// What is known about the failure.
        detail: String,
    },
    /// A permanent failure: an invalid key, an unsupported operation.
    #[error("the blob store failed: {0}")]
    Failed(String),
}

impl BlobError {
    /// A stable name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "blob_not_found",
            Self::Unavailable(_) => "blobs_unavailable",
            Self::NoSpace(_) => "insufficient_storage",
            Self::Environment { dependency, .. } => dependency.code(),
            Self::Failed(_) => "blobs_failed",
        }
    }

    /// Whether a retry may succeed.
    pub fn retryable(&self) -> bool {
        !matches!(self, Self::Failed(_))
    }

    /// The dependency at fault, if any.
    pub fn dependency(&self) -> Option<Dependency> {
        match self {
            Self::Unavailable(_) | Self::NoSpace(_) => Some(Dependency::Blobs),
            Self::Environment { dependency, .. } => Some(*dependency),
            Self::NotFound | Self::Failed(_) => None,
        }
    }
}

/// The result of a call to a blob store.
pub type BlobResult<T> = Result<T, BlobError>;

/// The bytes of a blob as they arrive.
pub struct BlobStream {
    /// Their number.
    pub bytes: u64,
    /// The bytes, in chunks.
    pub stream: BoxStream<'static, BlobResult<Bytes>>,
}

/// A blob as a local file. For a remote blob store it is a copy, which is removed when this is
/// dropped.
#[derive(Debug)]
pub struct LocalBlob {
    path: PathBuf,
    remove: bool,
}

impl LocalBlob {
    /// The file of the blob store itself.
    pub fn in_place(path: PathBuf) -> Self {
        Self {
            path,
            remove: false,
        }
    }

    /// A copy, removed on drop.
    pub fn copy(path: PathBuf) -> Self {
        Self { path, remove: true }
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for LocalBlob {
    fn drop(&mut self) {
        if self.remove {
            // The scratch folder is swept at every start, so a failure here is not permanent.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// A blob that is being written, atomically: nothing is visible under its key before
/// [`finish`](Self::finish) returns, and nothing ever if this is dropped before.
#[async_trait]
pub trait BlobWriter: Send {
    /// Adds bytes. Memory is bounded: this waits while earlier bytes are being written.
    async fn write(&mut self, bytes: Bytes) -> BlobResult<()>;

    /// Makes the blob visible under its key, durably.
    async fn finish(self: Box<Self>) -> BlobResult<()>;

    /// Discards the blob.
    async fn abort(self: Box<Self>);
}

/// Stores blobs.
#[async_trait]
pub trait Blobs: Send + Sync {
    /// Writes a blob at once, durably.
    async fn put(&self, key: &BlobKey, bytes: Bytes) -> BlobResult<()>;

    /// Moves or copies a local file into the store, durably. The file is gone afterwards. If the
    /// file is missing but the blob exists, an earlier call succeeded and its response was lost.
    async fn put_file(&self, key: &BlobKey, file: &Path) -> BlobResult<()>;

    /// Begins a blob that is written in chunks.
    async fn writer(&self, key: &BlobKey) -> BlobResult<Box<dyn BlobWriter>>;

    /// Reads a blob.
    async fn read(&self, key: &BlobKey) -> BlobResult<BlobStream>;

    /// The blob as a local file.
    async fn local(&self, key: &BlobKey) -> BlobResult<LocalBlob>;

    /// Whether there is a blob under the key.
    async fn exists(&self, key: &BlobKey) -> BlobResult<bool>;

    /// Deletes a blob, and what was derived from it. A missing blob is not an error.
    async fn delete(&self, key: &BlobKey) -> BlobResult<()>;

    /// Deletes everything below a prefix, half-written blobs included.
    ///
    /// # Cancel safety
    /// Dropping the future stops between two blobs, if the store can; another call continues.
    async fn delete_prefix(&self, prefix: &str) -> BlobResult<()>;

    /// Whether it can be reached and written to.
    async fn ping(&self) -> BlobResult<()>;
}
