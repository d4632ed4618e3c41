//! Stores the bytes of a result: in the row, or in the blob store before the row refers to them.

use std::io;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use lastcall_domain::store::{INLINE_RESULT, JobResult, ResultLocation};
use lastcall_domain::trace;
use lastcall_domain::{
    BlobError, BlobKey, BlobResult, Body, Dependency, JobError, Output, running_time,
};
use log::warn;

use super::Pool;
use super::claim::Key;
use super::outage::{AfterOutage, Outages};
use super::outcome::remove_file;
use super::stop::StopHandle;
use crate::phase::Phase;

/// How long the upload of a result may continue when everything is handed back.
const LAST_PUT_TIMEOUT: Duration = Duration::from_millis(250);

/// What is known of a blocking call for which no thread can be started.
const NO_THREAD: &str = "no thread can be started for a file";

/// Why an output was not stored. It has been dropped.
pub(super) enum Unstored {
    /// The attempt fails with this error.
    Failed(JobError),
    /// A dependency is unavailable: the claim must be handed back.
    Outage,
    /// The attempt must stop; its stop handle says why.
    Stopped,
}

/// Stores the output. During an outage of the blob store it waits, as the attempt itself does.
///
/// # Errors
/// If it could not be stored; the output is then dropped.
pub(super) async fn store_result(
    pool: &Pool,
    key: Key,
    output: Output,
    stop_handle: &StopHandle,
) -> Result<JobResult, Unstored> {
    let Output {
        media_type,
        body,
        content_key,
    } = output;
    let mut writer = ResultWriter {
        pool,
        key,
        stop_handle,
        outages: Outages::new(pool),
    };
    let (bytes, location) = match body {
        Body::Bytes(bytes) if bytes.len() <= INLINE_RESULT => (
            bytes.len() as u64,
            ResultLocation::Inline(Bytes::from(bytes)),
        ),
        Body::Bytes(bytes) => {
            let size = bytes.len() as u64;
            let bytes = Bytes::from(bytes);
            (size, writer.put(Source::Bytes(bytes)).await?)
        }
        Body::File(path) => {
            let written = writer.file(&path).await;
            // If it was moved, there is nothing left to remove.
            remove_file(&path).await;
            written?
        }
    };
    trace::Scope::current().set("lastcall.result.size", || bytes);
    Ok(JobResult {
        media_type,
        bytes,
        location,
        content_key,
    })
}

enum Source<'a> {
    Bytes(Bytes),
    File(&'a Path),
}

struct ResultWriter<'a> {
    pool: &'a Pool,
    key: Key,
    stop_handle: &'a StopHandle,
    outages: Outages,
}

impl ResultWriter<'_> {
    async fn file(&mut self, path: &Path) -> Result<(u64, ResultLocation), Unstored> {
        loop {
            let error = match small_file(path).await {
                Ok(Small::No(size)) => return Ok((size, self.put(Source::File(path)).await?)),
                Ok(Small::Yes(bytes)) => {
                    return Ok((bytes.len() as u64, ResultLocation::Inline(bytes)));
                }
                Err(error) => error,
            };
            let lost = JobError::transient("result_lost", "the result could not be read back");
            // Only a lack of descriptors or threads leaves the file intact.
            let Some(dependency @ (Dependency::FileDescriptors | Dependency::Threads)) =
                Dependency::of_io(&error, Dependency::Scratch)
            else {
                warn!("job {}: cannot read the result: {error}", self.key.0);
                return Err(Unstored::Failed(lost));
            };
            self.wait_out(dependency, &error.to_string(), lost).await?;
        }
    }

    async fn put(&mut self, source: Source<'_>) -> Result<ResultLocation, Unstored> {
        let Some(session) = self.pool.claims.session(self.key) else {
            // The claim was taken from this task, and nobody will read what it writes.
            return Err(Unstored::Failed(JobError::transient(
                "worker_lost",
                "the claim was given up",
            )));
        };
        let blob = BlobKey::result(session, self.key.0, self.key.1);
        loop {
            let put = tokio::select! {
                biased;
                put = self.put_once(&blob, &source) => put,
                () = self.too_late() => return Err(Unstored::Outage),
            };
            let Err(fault) = put else {
                return Ok(ResultLocation::Blob(blob));
            };
            let failed = JobError::transient(fault.code(), "the result could not be stored");
            let Some(dependency) = fault.dependency() else {
                warn!("job {}: cannot store the result: {fault}", self.key.0);
                return Err(Unstored::Failed(failed));
            };
            // If others find room for theirs, this result is too large.
            self.outages.may_be_own |= failed.is_out_of_space();
            self.wait_out(dependency, &fault.to_string(), failed)
                .await?;
        }
    }

    /// Waits until the process has no time left to store results.
    async fn too_late(&self) {
        self.pool.rules.phase.reached(Phase::HandingBack).await;
        running_time::sleep(LAST_PUT_TIMEOUT).await;
    }

    async fn put_once(&self, blob: &BlobKey, source: &Source<'_>) -> BlobResult<()> {
        let blobs = &self.pool.ports.blobs;
        let answer = async {
            match source {
                Source::Bytes(bytes) => blobs.put(blob, bytes.clone()).await,
                Source::File(path) => blobs.put_file(blob, path).await,
            }
        };
        // As long as the work itself may take: an unresponsive store holds no claim forever.
        let answer = or_outage(answer, |dependency| {
            let detail = NO_THREAD.to_owned();
            Err(BlobError::Environment { dependency, detail })
        });
        running_time::timeout(self.pool.config.timeout, answer)
            .await
            .unwrap_or_else(|_| Err(BlobError::Unavailable("no answer".to_owned())))
    }

    /// Waits until the dependency has recovered. Fails with `failed` if it was available all the
    /// time.
    async fn wait_out(
        &mut self,
        dependency: Dependency,
        detail: &str,
        failed: JobError,
    ) -> Result<(), Unstored> {
        let next = self
            .outages
            .wait_out(self.pool, self.stop_handle, dependency, detail);
        match next.await {
            AfterOutage::Retry => Ok(()),
            AfterOutage::HandBack => Err(Unstored::Outage),
            AfterOutage::Blame => Err(Unstored::Failed(failed)),
            AfterOutage::Stop => Err(Unstored::Stopped),
        }
    }
}

/// The bytes of a file, if they fit into the row.
enum Small {
    Yes(Bytes),
    No(u64),
}

async fn small_file(path: &Path) -> io::Result<Small> {
    let no_thread = |dependency: Dependency| Err(dependency.mark(io::Error::other(NO_THREAD)));
    or_outage(read_small(path), no_thread).await
}

async fn read_small(path: &Path) -> io::Result<Small> {
    let size = tokio::fs::metadata(path).await?.len();
    Ok(if size <= INLINE_RESULT as u64 {
        Small::Yes(tokio::fs::read(path).await?.into())
    } else {
        Small::No(size)
    })
}

/// Runs `work`, whose blocking calls may find no thread: then it ends with `outage`.
async fn or_outage<T>(work: impl Future<Output = T>, outage: impl FnOnce(Dependency) -> T) -> T {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(done) => done,
        Err(panic) => match Dependency::of_panic(&*panic) {
            Some(dependency) => outage(dependency),
            None => resume_unwind(panic),
        },
    }
}
