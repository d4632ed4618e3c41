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
use object_store::{
    BackoffConfig, MultipartUpload, ObjectStore, ObjectStoreExt, PutPayloadMut, RetryConfig,
};
use tokio::io::AsyncReadExt;
use tokio::task::JoinSet;

use super::download::{self, RANGE};
use super::{credentials, derived_from, endpoint, io, object, object_path, object_written};

/// The parts of an upload that are in memory: one that is being filled, and as many that are being
/// sent.
const PARTS_UNDER_WAY: usize = 2;
/// How often, and for how long, a request is retried.
const MAX_RETRIES: usize = 5;
const RETRY_TIMEOUT: Duration = Duration::from_secs(45);
/// How long an upload waits for the next of its parts to be sent, and for the answer to a request
/// that begins or completes it. A caller waits for it, so it is shorter than the retries, for which
/// a job has the time.
const UPLOAD_TIMEOUT: Duration = Duration::from_secs(25);
/// How long to wait for an upload to be aborted.
const ABORT_TIMEOUT: Duration = Duration::from_secs(5);
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
        Ok(Upload {
            store: self.store.clone(),
            path: object_path(key.as_str())?,
            timeout,
            rest: PutPayloadMut::new(),
            parts: None,
            under_way: JoinSet::new(),
        })
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

/// An upload, aborted if it is dropped unfinished.
struct Upload {
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::time::Instant;

    use lastcall_domain::SessionId;
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::mpsc;

    use super::*;

    /// A bucket at the address of the listener.
    fn bucket(listener: &TcpListener, scratch: &Path) -> BucketBlobs {
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let environment = [
            ("AWS_ENDPOINT_URL", endpoint.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "only-for-tests"),
            ("AWS_REGION", "us-east-1"),
        ];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        BucketBlobs::open("bucket", scratch.to_owned(), environment).unwrap()
    }

    /// Answers the requests of uploads: after `delay` to a part. Returns the method of each.
    fn answer(listener: TcpListener, delay: Duration) -> mpsc::UnboundedReceiver<String> {
        let (sender, methods) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(answer_all(connection, delay, sender.clone()));
            }
        });
        methods
    }

    async fn answer_all(
        connection: TcpStream,
        delay: Duration,
        methods: mpsc::UnboundedSender<String>,
    ) -> std::io::Result<()> {
        let mut connection = BufReader::new(connection);
        loop {
            let mut request = String::new();
            let mut body = 0_u64;
            if connection.read_line(&mut request).await? == 0 {
                return Ok(());
            }
            loop {
                let mut line = String::new();
                if connection.read_line(&mut line).await? <= 2 {
                    break;
                }
                let line = line.to_ascii_lowercase();
                if let Some(length) = line.strip_prefix("content-length:") {
                    body = length.trim().parse().unwrap();
                }
            }
            tokio::io::copy(&mut (&mut connection).take(body), &mut tokio::io::sink()).await?;
            let method = request.split(' ').next().unwrap_or_default();
            let answer = match method {
                "POST" => "<Result><UploadId>1</UploadId><ETag>1</ETag></Result>",
                _ => "",
            };
            let _ = methods.send(method.to_owned());
            if method == "PUT" {
                tokio::time::sleep(delay).await;
            }
            let answer = format!(
                "HTTP/1.1 200 OK\r\nETag: \"1\"\r\nContent-Length: {}\r\n\r\n{answer}",
                answer.len()
            );
            connection.write_all(answer.as_bytes()).await?;
        }
    }

    /// Uploads two parts and a half.
    async fn upload(blobs: &BucketBlobs) -> BlobResult<()> {
        let mut writer = blobs.writer(&BlobKey::upload(SessionId::new())).await?;
        writer
            .write(vec![0_u8; RANGE as usize * 5 / 2].into())
            .await?;
        writer.finish().await
    }

    #[tokio::test]
    async fn the_end_of_an_upload_has_the_time_for_each_of_its_parts() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scratch = tempfile::tempdir().unwrap();
        let mut blobs = bucket(&listener, scratch.path());
        blobs.upload_timeout = Duration::from_secs(5);
        let mut methods = answer(listener, Duration::from_secs(3));
        let began = Instant::now();
        upload(&blobs).await.unwrap();
        assert!(began.elapsed() > blobs.upload_timeout);
        let mut seen = Vec::new();
        while let Ok(method) = methods.try_recv() {
            seen.push(method);
        }
        assert_eq!(seen, ["POST", "PUT", "PUT", "PUT", "POST"]);
    }

    #[tokio::test]
    async fn an_upload_that_does_not_end_in_time_is_aborted() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scratch = tempfile::tempdir().unwrap();
        let mut blobs = bucket(&listener, scratch.path());
        blobs.upload_timeout = Duration::from_secs(2);
        let mut methods = answer(listener, Duration::from_secs(3600));
        let error = upload(&blobs).await.unwrap_err();
        assert!(error.to_string().contains("did not answer"), "{error}");
        let aborted = async {
            while let Some(method) = methods.recv().await {
                if method == "DELETE" {
                    break;
                }
            }
        };
        let aborted = tokio::time::timeout(Duration::from_secs(30), aborted).await;
        aborted.unwrap();
    }

    #[tokio::test]
    async fn an_upload_does_not_wait_for_a_bucket_that_never_answers() {
        // The kernel accepts connections, and nobody answers.
        let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let scratch = tempfile::tempdir().unwrap();
        let mut blobs = bucket(&silent, scratch.path());
        blobs.upload_timeout = Duration::from_millis(100);
        let began = Instant::now();
        // In one request, and in parts.
        for bytes in [1, RANGE as usize] {
            let key = BlobKey::upload(SessionId::new());
            let mut writer = blobs.writer(&key).await.unwrap();
            let stored = match writer.write(vec![0_u8; bytes].into()).await {
                Ok(()) => writer.finish().await,
                Err(error) => {
                    writer.abort().await;
                    Err(error)
                }
            };
            let error = stored.unwrap_err();
            assert_eq!(error.code(), "blobs_unavailable");
            assert!(error.to_string().contains("did not answer"), "{error}");
        }
        // One request alone is given up after 30 s.
        assert!(began.elapsed() < Duration::from_secs(20));
    }
}
