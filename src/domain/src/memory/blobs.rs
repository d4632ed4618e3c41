//! Blobs in memory.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

use super::faults::{Fault, Faults};
use crate::{BlobError, BlobKey, BlobResult, BlobStream, BlobWriter, Blobs, LocalBlob};

/// Blobs in memory. Clones share the store.
#[derive(Clone, Debug, Default)]
pub struct MemoryBlobs {
    blobs: Arc<Mutex<BTreeMap<String, Bytes>>>,
    faults: Faults,
}

impl MemoryBlobs {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// The injected faults.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// The keys of all blobs, in order.
    pub fn keys(&self) -> Vec<String> {
        let blobs = self.blobs.lock().unwrap_or_else(PoisonError::into_inner);
        blobs.keys().cloned().collect()
    }

    fn call<T>(&self, run: impl FnOnce(&mut BTreeMap<String, Bytes>) -> T) -> BlobResult<T> {
        let unavailable = || BlobError::Unavailable("a test wants it so".to_owned());
        let fault = self.faults.call();
        if fault == Some(Fault::Before) {
            return Err(unavailable());
        }
        let mut blobs = self.blobs.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = run(&mut blobs);
        match fault {
            Some(_) => Err(unavailable()),
            None => Ok(answer),
        }
    }

    fn get(&self, key: &BlobKey) -> BlobResult<Bytes> {
        self.call(|blobs| blobs.get(key.as_str()).cloned())?
            .ok_or(BlobError::NotFound)
    }
}

fn io(error: &std::io::Error) -> BlobError {
    BlobError::Unavailable(error.to_string())
}

#[async_trait]
impl Blobs for MemoryBlobs {
    async fn put(&self, key: &BlobKey, bytes: Bytes) -> BlobResult<()> {
        self.call(|blobs| {
            blobs.insert(key.as_str().to_owned(), bytes);
        })
    }

    async fn put_file(&self, key: &BlobKey, file: &Path) -> BlobResult<()> {
        let bytes = match std::fs::read(file) {
            Ok(bytes) => bytes,
            Err(_) if self.exists(key).await? => return Ok(()),
            Err(error) => return Err(io(&error)),
        };
        self.put(key, bytes.into()).await?;
        std::fs::remove_file(file).map_err(|error| io(&error))
    }

    async fn writer(&self, key: &BlobKey) -> BlobResult<Box<dyn BlobWriter>> {
        self.call(|_| ())?;
        Ok(Box::new(Writer {
            blobs: self.clone(),
            key: key.clone(),
            bytes: BytesMut::new(),
        }))
    }

    async fn read(&self, key: &BlobKey) -> BlobResult<BlobStream> {
        let bytes = self.get(key)?;
        Ok(BlobStream {
            bytes: bytes.len() as u64,
            stream: futures_util::stream::once(async { Ok(bytes) }).boxed(),
        })
    }

    async fn local(&self, key: &BlobKey) -> BlobResult<LocalBlob> {
        let bytes = self.get(key)?;
        let name = format!("lastcall-memory-blob-{}", uuid::Uuid::now_v7());
        let copy = LocalBlob::copy(std::env::temp_dir().join(name));
        std::fs::write(copy.path(), bytes).map_err(|error| io(&error))?;
        Ok(copy)
    }

    async fn exists(&self, key: &BlobKey) -> BlobResult<bool> {
        self.call(|blobs| blobs.contains_key(key.as_str()))
    }

    async fn delete(&self, key: &BlobKey) -> BlobResult<()> {
        let derived = format!("{}.", key.as_str());
        self.call(|blobs| blobs.retain(|k, _| k != key.as_str() && !k.starts_with(&derived)))
    }

    async fn delete_prefix(&self, prefix: &str) -> BlobResult<()> {
        let below = format!("{prefix}/");
        self.call(|blobs| blobs.retain(|k, _| !k.starts_with(&below)))
    }

    async fn ping(&self) -> BlobResult<()> {
        self.call(|_| ())
    }
}

struct Writer {
    blobs: MemoryBlobs,
    key: BlobKey,
    bytes: BytesMut,
}

#[async_trait]
impl BlobWriter for Writer {
    async fn write(&mut self, bytes: Bytes) -> BlobResult<()> {
        self.blobs.call(|_| ())?;
        self.bytes.extend_from_slice(&bytes);
        Ok(())
    }

    async fn finish(self: Box<Self>) -> BlobResult<()> {
        self.blobs.put(&self.key, self.bytes.freeze()).await
    }

    async fn abort(self: Box<Self>) {}
}
