//! An upload to a bucket: in one request if it is small, else in parts.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use lastcall_domain::{BlobError, BlobResult, BlobWriter};
use object_store::aws::AmazonS3;
use object_store::path::Path as ObjectPath;
use object_store::prefix::PrefixStore;
use object_store::{MultipartUpload, ObjectStoreExt, PutPayloadMut};
use tokio::task::JoinSet;

use super::download::RANGE;
use super::object_written;

/// The parts of an upload that are in memory: one that is being filled, and as many that are being
/// sent.
const PARTS_UNDER_WAY: usize = 2;
/// How long to wait for an upload to be aborted.
const ABORT_TIMEOUT: Duration = Duration::from_secs(5);

/// An upload, aborted if it is dropped unfinished.
pub(super) struct Upload {
    store: Arc<PrefixStore<AmazonS3>>,
    path: ObjectPath,
    timeout: Duration,
    /// What is not being sent yet: less than a part.
    rest: PutPayloadMut,
    /// Begun with the first full part.
    parts: Option<Box<dyn MultipartUpload>>,
    under_way: Sending,
}

/// The parts that are being sent.
type Sending = JoinSet<object_store::Result<()>>;

impl Upload {
    /// Of a blob to this path. Each of its requests may take as long as `timeout`.
    pub(super) fn new(
        store: Arc<PrefixStore<AmazonS3>>,
        path: ObjectPath,
        timeout: Duration,
    ) -> Self {
        Self {
            store,
            path,
            timeout,
            rest: PutPayloadMut::new(),
            parts: None,
            under_way: JoinSet::new(),
        }
    }

    /// Sends the next part, as soon as fewer than [`PARTS_UNDER_WAY`] are being sent.
    async fn send(&mut self) -> BlobResult<()> {
        let parts = match &mut self.parts {
            Some(parts) => parts,
            None => {
                let begin = self.store.put_multipart(&self.path);
                self.parts.insert(within(self.timeout, begin).await?)
            }
        };
        while self.under_way.len() >= PARTS_UNDER_WAY {
            within(self.timeout, sent(&mut self.under_way)).await?;
        }
        let part = std::mem::take(&mut self.rest);
        self.under_way.spawn(parts.put_part(part.into()));
        Ok(())
    }
}

/// Waits until one of the parts is sent.
async fn sent(under_way: &mut Sending) -> object_store::Result<()> {
    match under_way.join_next().await {
        Some(sent) => sent?,
        None => Ok(()),
    }
}

#[async_trait]
impl BlobWriter for Upload {
    async fn write(&mut self, mut bytes: Bytes) -> BlobResult<()> {
        while !bytes.is_empty() {
            let room = RANGE as usize - self.rest.content_length();
            self.rest.push(bytes.split_to(room.min(bytes.len())));
            if self.rest.content_length() == RANGE as usize {
                self.send().await?;
            }
        }
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> BlobResult<()> {
        if self.parts.is_none() {
            let whole = std::mem::take(&mut self.rest);
            let put = self.store.put(&self.path, whole.into());
            return within(self.timeout, put).await.map(|_| ());
        }
        if !self.rest.is_empty() {
            self.send().await?;
        }
        while !self.under_way.is_empty() {
            within(self.timeout, sent(&mut self.under_way)).await?;
        }
        if let Some(parts) = &mut self.parts {
            within(self.timeout, parts.complete()).await?;
        }
        // There is nothing to abort any more.
        self.parts = None;
        Ok(())
    }

    async fn abort(mut self: Box<Self>) {
        if let Some(parts) = self.parts.take() {
            let given_up = give_up(parts, std::mem::take(&mut self.under_way));
            if tokio::time::timeout(ABORT_TIMEOUT, given_up).await.is_err() {
                log::debug!("an upload was not aborted in time, the bucket drops its parts");
            }
        }
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        let runtime = tokio::runtime::Handle::try_current();
        if let (Some(parts), Ok(runtime)) = (self.parts.take(), runtime) {
            runtime.spawn(give_up(parts, std::mem::take(&mut self.under_way)));
        }
    }
}

/// The result of the call, or an error if the bucket does not answer within `timeout`.
async fn within<T>(
    timeout: Duration,
    call: impl Future<Output = object_store::Result<T>>,
) -> BlobResult<T> {
    match tokio::time::timeout(timeout, call).await {
        Ok(answer) => answer.map_err(object_written),
        Err(_) => Err(BlobError::Unavailable(format!(
            "the bucket did not answer within {timeout:?}"
        ))),
    }
}

async fn give_up(mut parts: Box<dyn MultipartUpload>, mut under_way: Sending) {
    under_way.shutdown().await;
    if let Err(error) = parts.abort().await {
        log::debug!(
            "an upload was not aborted, its parts stay until the bucket drops them: {error}"
        );
    }
}
