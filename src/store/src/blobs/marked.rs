//! A blob store that several processes share, with a mark that identifies it. If the mark differs,
//! the rows of the other processes refer to blobs that are not here, and vice versa.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::TryStreamExt;
use lastcall_domain::store::BlobStoreMark;
use lastcall_domain::{
    BlobError, BlobKey, BlobResult, BlobStream, BlobWriter, Blobs, InstanceId, LocalBlob, Store,
    StoreResult,
};
use tokio::sync::Mutex;
use tokio::time::Instant;
use uuid::Uuid;

/// The key of the mark.
const KEY: &str = ".lastcall-store";
/// The longest mark that is read, in bytes.
const MAX_MARK: u64 = 64;
/// How long to wait for another process that is writing it.
const PENDING_TIMEOUT: Duration = Duration::from_secs(15);
const POLL_INTERVAL: Duration = Duration::from_millis(100);
/// How often the mark is checked.
const CHECK_INTERVAL: Duration = Duration::from_secs(5);

/// Checks, as far as possible, that `blobs` is the blob store of the other processes on this store:
/// if not, each [`ping`](Blobs::ping) fails. The first process writes the mark. If it cannot, or if
/// no other process can have the store open, `blobs` is returned unchanged.
///
/// # Errors
/// As the store's.
pub async fn shared_blobs(
    store: &dyn Store,
    blobs: Arc<dyn Blobs>,
    me: InstanceId,
) -> StoreResult<Arc<dyn Blobs>> {
    let until = Instant::now() + PENDING_TIMEOUT;
    let mark = loop {
        match store.blob_store_mark(me).await? {
            BlobStoreMark::NotNeeded => return Ok(blobs),
            BlobStoreMark::Known(mark) => break mark,
            BlobStoreMark::Write(mark) => {
                let text = Bytes::from(mark.to_string());
                match blobs.put(&BlobKey::from_stored(KEY), text).await {
                    Ok(()) => store.confirm_blob_store(mark).await?,
                    // Another process may succeed. Without a mark there is nothing to compare.
                    Err(error) => {
                        log::warn!("cannot mark the blob store: {error}");
                        return Ok(blobs);
                    }
                }
                break mark;
            }
            BlobStoreMark::Pending if Instant::now() < until => {
                tokio::time::sleep(POLL_INTERVAL).await;
            }
            BlobStoreMark::Pending => {
                log::warn!("another process is marking the blob store and does not finish");
                return Ok(blobs);
            }
        }
    };
    let marked = MarkedBlobs {
        blobs,
        mark,
        looked: Mutex::default(),
    };
    if let Err(error) = marked.check().await {
        log::error!("{error}");
    }
    Ok(Arc::new(marked))
}

struct MarkedBlobs {
    blobs: Arc<dyn Blobs>,
    mark: Uuid,
    looked: Mutex<Option<(Instant, BlobResult<()>)>>,
}

impl MarkedBlobs {
    /// Checks the mark, at most once per interval.
    async fn check(&self) -> BlobResult<()> {
        let mut looked = self.looked.lock().await;
        if let Some((at, found)) = &*looked
            && at.elapsed() < CHECK_INTERVAL
        {
            return found.clone();
        }
        let found = self.compare().await;
        *looked = Some((Instant::now(), found.clone()));
        found
    }

    async fn compare(&self) -> BlobResult<()> {
        let found = match self.blobs.read(&BlobKey::from_stored(KEY)).await {
            Ok(blob) if blob.bytes <= MAX_MARK => {
                let bytes: Vec<Bytes> = blob.stream.try_collect().await?;
                String::from_utf8_lossy(&bytes.concat()).trim().to_owned()
            }
            Ok(_) => "something else".to_owned(),
            Err(BlobError::NotFound) => "none".to_owned(),
            Err(error) => return Err(error),
        };
        if found == self.mark.to_string() {
            return Ok(());
        }
        Err(BlobError::Failed(format!(
            "blobs.url names another blob store than that of the other processes on this database: \
             the mark in {KEY} is {found}, theirs is {}; where this is the right one, write theirs \
             into it",
            self.mark
        )))
    }
}

#[async_trait]
impl Blobs for MarkedBlobs {
    async fn put(&self, key: &BlobKey, bytes: Bytes) -> BlobResult<()> {
        self.blobs.put(key, bytes).await
    }

    async fn put_file(&self, key: &BlobKey, file: &Path) -> BlobResult<()> {
        self.blobs.put_file(key, file).await
    }

    async fn writer(&self, key: &BlobKey) -> BlobResult<Box<dyn BlobWriter>> {
        self.blobs.writer(key).await
    }

    async fn read(&self, key: &BlobKey) -> BlobResult<BlobStream> {
        self.blobs.read(key).await
    }

    async fn local(&self, key: &BlobKey) -> BlobResult<LocalBlob> {
        self.blobs.local(key).await
    }

    async fn exists(&self, key: &BlobKey) -> BlobResult<bool> {
        self.blobs.exists(key).await
    }

    async fn delete(&self, key: &BlobKey) -> BlobResult<()> {
        self.blobs.delete(key).await
    }

    async fn delete_prefix(&self, prefix: &str) -> BlobResult<()> {
        self.blobs.delete_prefix(prefix).await
    }

    async fn ping(&self) -> BlobResult<()> {
        self.blobs.ping().await?;
        self.check().await
    }
}
