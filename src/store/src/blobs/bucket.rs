//! Blobs in a bucket of S3 or a compatible server.
//!
//! A blob becomes visible, and is durable, when its upload is completed. A process that dies during
//! an upload leaves invisible parts; a lifecycle rule of the bucket should remove those.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt};
use lastcall_domain::{BlobError, BlobKey, BlobResult, BlobStream, BlobWriter, Blobs, LocalBlob};
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path as ObjectPath;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, ObjectStore, ObjectStoreExt, RetryConfig};
use tokio::io::AsyncReadExt;

use super::download;
use super::upload::Upload;
use super::{credentials, derived_from, endpoint, io, object, object_path, object_written};

/// How often, and for how long, a request is retried.
const MAX_RETRIES: usize = 5;
const RETRY_TIMEOUT: Duration = Duration::from_secs(45);
/// How long an upload waits for the next of its parts to be sent, and for the answer to a request
/// that begins or completes it. A caller waits for it, so it is shorter than the retries, for which
/// a job has the time.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(25);
/// The object that a ping writes.
const PING: &str = ".ping";

/// A bucket, below a prefix.
#[derive(Debug)]
pub(super) struct BucketBlobs {
    store: Arc<PrefixStore<AmazonS3>>,
    scratch: PathBuf,
    upload_timeout: Duration,
}

impl BucketBlobs {
    /// Opens the bucket and prefix of `place`, `bucket/prefix`.
    pub(super) fn open(
        place: &str,
        scratch: PathBuf,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> BlobResult<Self> {
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        if bucket.is_empty() {
            return Err(BlobError::Failed(format!("s3://{place} names no bucket")));
        }
        let retry = RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: MAX_RETRIES,
            retry_timeout: RETRY_TIMEOUT,
        };
        let mut settings = AmazonS3Builder::new();
        for (name, value) in environment {
            let (name, value) = credentials::resolve(name, value)?;
            // Variables of other programs are ignored.
            if name.starts_with("AWS_")
                && let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>()
            {
                settings = settings.with_config(key, value);
            }
        }
        endpoint::check(&settings)?;
        let store = settings
            .with_bucket_name(bucket)
            .with_retry(retry)
            .build()
            .map_err(|error| BlobError::Failed(error.to_string()))?;
        let prefix = ObjectPath::parse(prefix.trim_end_matches('/'))
            .map_err(|error| BlobError::Failed(format!("s3://{place}: {error}")))?;
        Ok(Self {
            store: Arc::new(PrefixStore::new(store, prefix)),
            scratch,
            upload_timeout: UPLOAD_TIMEOUT,
        })
    }

    fn upload(&self, key: &BlobKey, timeout: Duration) -> BlobResult<Upload> {
        let path = object_path(key.as_str())?;
        Ok(Upload::new(self.store.clone(), path, timeout))
    }

    /// Deletes what is below `folder` and matches `wanted`.
    async fn delete_all(
        &self,
        folder: &ObjectPath,
        wanted: impl Fn(&ObjectPath) -> bool + Send + Sync + 'static,
    ) -> BlobResult<()> {
        let found = self.store.list(Some(folder)).map_ok(|meta| meta.location);
        let found = found.map_err(no_bucket);
        let found = found.try_filter(move |path| std::future::ready(wanted(path)));
        let deleted = self.store.delete_stream(found.boxed());
        let missing =
            |error: &object_store::Error| matches!(error, object_store::Error::NotFound { .. });
        deleted
            .filter(|deleted| std::future::ready(!deleted.as_ref().is_err_and(missing)))
            .try_for_each(|_| std::future::ready(Ok(())))
            .await
            .map_err(object)
    }

    /// Converts the result of a lookup: distinguishes a missing blob from a missing bucket, as a
    /// job can wait for the second to pass.
    async fn found<T>(&self, found: BlobResult<T>) -> BlobResult<T> {
        if let Err(BlobError::NotFound) = found {
            self.is_present().await?;
        }
        found
    }

    /// # Errors
    /// [`BlobError::Unavailable`] if there is no such bucket, or a gateway knows of nothing.
    async fn is_present(&self) -> BlobResult<()> {
        match self.store.head(&ObjectPath::from(PING)).await {
            Ok(_) => Ok(()),
            // Nobody has pinged it yet, or a rule of the bucket has removed the object.
            Err(object_store::Error::NotFound { .. }) => self.ping().await,
            Err(error) => Err(object(error)),
        }
    }
}

/// The error of a list, where only the bucket itself can be missing: a prefix without objects has
/// an empty list.
fn no_bucket(error: object_store::Error) -> object_store::Error {
    match error {
        object_store::Error::NotFound { .. } => object_store::Error::Generic {
            store: "bucket",
            source: Box::new(error),
        },
        other => other,
    }
}

#[async_trait]
impl Blobs for BucketBlobs {
    async fn put(&self, key: &BlobKey, bytes: Bytes) -> BlobResult<()> {
        let path = object_path(key.as_str())?;
        let put = self.store.put(&path, bytes.into()).await;
        put.map(|_| ()).map_err(object_written)
    }

    async fn put_file(&self, key: &BlobKey, file: &Path) -> BlobResult<()> {
        let mut source = match tokio::fs::File::open(file).await {
            Ok(source) => source,
            Err(error) => {
                let error = io(&error);
                let moved_before = error == BlobError::NotFound && self.exists(key).await?;
                return if moved_before { Ok(()) } else { Err(error) };
            }
        };
        // A job waits for as long as it takes, including the retries.
        let mut writer = Box::new(self.upload(key, Duration::MAX)?);
        loop {
            let mut piece = Vec::with_capacity(download::READ_BUFFER);
            let read = (&mut source).take(download::READ_BUFFER as u64);
            let read = { read }.read_to_end(&mut piece).await;
            if read.map_err(|error| io(&error))? == 0 {
                break;
            }
            writer.write(piece.into()).await?;
        }
        writer.finish().await?;
        tokio::fs::remove_file(file)
            .await
            .map_err(|error| io(&error))
    }

    async fn writer(&self, key: &BlobKey) -> BlobResult<Box<dyn BlobWriter>> {
        Ok(Box::new(self.upload(key, self.upload_timeout)?))
    }

    async fn read(&self, key: &BlobKey) -> BlobResult<BlobStream> {
        let path = object_path(key.as_str())?;
        let meta = self.store.head(&path).await.map_err(object);
        let meta = self.found(meta).await?;
        Ok(BlobStream {
            bytes: meta.size,
            stream: download::pieces(self.store.clone(), path, meta).boxed(),
        })
    }

    async fn local(&self, key: &BlobKey) -> BlobResult<LocalBlob> {
        let blob = self.read(key).await?;
        let copy = download::to_file(blob, &self.scratch).await;
        self.found(copy).await
    }

    async fn exists(&self, key: &BlobKey) -> BlobResult<bool> {
        let found = self.store.head(&object_path(key.as_str())?).await;
        match self.found(found.map_err(object)).await {
            Ok(_) => Ok(true),
            Err(BlobError::NotFound) => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn delete(&self, key: &BlobKey) -> BlobResult<()> {
        let path = object_path(key.as_str())?;
        let parts: Vec<_> = path.parts().collect();
        let above = parts.len().saturating_sub(1);
        let folder = ObjectPath::from_iter(parts.into_iter().take(above));
        let derived = derived_from(key);
        let wanted =
            move |found: &ObjectPath| *found == path || found.as_ref().starts_with(&derived);
        self.delete_all(&folder, wanted).await
    }

    async fn delete_prefix(&self, prefix: &str) -> BlobResult<()> {
        self.delete_all(&object_path(prefix)?, |_| true).await
    }

    async fn ping(&self) -> BlobResult<()> {
        let probe = ObjectPath::from(PING);
        let put = self.store.put(&probe, Bytes::from_static(b"ping").into());
        put.await.map(|_| ()).map_err(object_written)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
