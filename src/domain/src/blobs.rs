//! The port of the blob stores: the bytes of datasets and of large results.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::BoxStream;

use crate::{BlobKey, Dependency};

/// Why a blob store could not do what it was asked to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// There is no blob under that key.
    #[error("there is no such blob")]
    NotFound,
    /// It is out of reach or does not let us in; the same call may go through later.
    #[error("the blob store is unavailable: {0}")]
    Unavailable(String),
    /// It is full; the same call may go through once there is room.
    #[error("the blob store is out of space: {0}")]
    NoSpace(String),
    /// What it needs besides is away: file descriptors, or the disk for copies of blobs.
    #[error("{dependency} unavailable: {detail}")]
    Environment {
        /// Which part.
        dependency: Dependency,
        /// What is known of it.
        detail: String,
    },
    /// It refuses for good: what is no key, what it cannot do.
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

    /// Whether the same call may go through later.
    pub fn retryable(&self) -> bool {
        !matches!(self, Self::Failed(_))
    }

    /// The part of the environment whose fault it is.
    pub fn dependency(&self) -> Option<Dependency> {
        match self {
            Self::Unavailable(_) | Self::NoSpace(_) => Some(Dependency::Blobs),
            Self::Environment { dependency, .. } => Some(*dependency),
            Self::NotFound | Self::Failed(_) => None,
        }
    }
}

/// The result of a blob store's method.
pub type BlobResult<T> = Result<T, BlobError>;

/// The bytes of a blob as they arrive.
pub struct BlobStream {
    /// How many there are.
    pub bytes: u64,
    /// The bytes, in pieces.
    pub stream: BoxStream<'static, BlobResult<Bytes>>,
}

/// A blob as a local file. For a blob store that is elsewhere it is a copy, which is removed
/// when this is dropped.
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

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for LocalBlob {
    fn drop(&mut self) {
        if self.remove {
            // The scratch folder is swept at every start, so a failure here is not forever.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// A blob that is being written. All or nothing: under its key there is nothing before
/// [`finish`](Self::finish) returns, and never anything if this is dropped before.
#[async_trait]
pub trait BlobWriter: Send {
    /// Adds bytes. Bounded memory: it waits while earlier bytes are being written.
    async fn write(&mut self, bytes: Bytes) -> BlobResult<()>;

    /// Makes the blob visible under its key, durably.
    async fn finish(self: Box<Self>) -> BlobResult<()>;

    /// Gives up; nothing is left.
    async fn abort(self: Box<Self>);
}

/// Where blobs are kept.
#[async_trait]
pub trait Blobs: Send + Sync {
    /// Writes a blob in one piece, durably.
    async fn put(&self, key: &BlobKey, bytes: Bytes) -> BlobResult<()>;

    /// Moves or copies a local file into the store, durably. The file is gone afterwards. Where it
    /// is gone before and the blob is there, an earlier call has done it whose answer was lost.
    async fn put_file(&self, key: &BlobKey, file: &Path) -> BlobResult<()>;

    /// Begins a blob that arrives in pieces.
    async fn writer(&self, key: &BlobKey) -> BlobResult<Box<dyn BlobWriter>>;

    /// Reads a blob.
    async fn read(&self, key: &BlobKey) -> BlobResult<BlobStream>;

    /// The blob as a local file.
    async fn local(&self, key: &BlobKey) -> BlobResult<LocalBlob>;

    /// Whether there is a blob under the key.
    async fn exists(&self, key: &BlobKey) -> BlobResult<bool>;

    /// Deletes a blob, and what was derived from it. No error where there is none.
    async fn delete(&self, key: &BlobKey) -> BlobResult<()>;

    /// Deletes everything below a prefix, half-written blobs included.
    ///
    /// # Cancel safety
    /// Dropping the future ends it between two blobs, where the store can: it goes on when it is
    /// called again.
    async fn delete_prefix(&self, prefix: &str) -> BlobResult<()>;

    /// Whether it can be reached and written to.
    async fn ping(&self) -> BlobResult<()>;
}
