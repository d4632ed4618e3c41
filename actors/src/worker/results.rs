//! Stores the bytes of a result: in the row, or in the blob store before the row refers to them.

use std::io;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use lastcall_domain::store::{INLINE_RESULT, JobResult, ResultLocation};
use lastcall_domain::trace;
use lastcall_domain::{
    BlobError, BlobKey, BlobResult, Body, Dependency, JobError, Output, running_time,
};
use log::warn;

use super::Pool;
use super::claim::Key;
use super::outage::{After, Outages};
use super::outcome::remove_file;
use super::stop::StopHandle;
use crate::phase::Phase;

/// How long a result may still be on its way when everything is handed back.
const LAST_PUT: Duration = Duration::from_millis(250);

/// Why an output is not where results are kept. It is gone.
pub(super) enum Unstored {
    /// The attempt fails with this error.
    Failed(JobError),
    /// What is needed for it is away: the claim is to be handed back.
    Outage,
    /// The attempt is to stop; its stop handle says why.
    Stopped,
}

/// Puts the output where results are kept. While the blob store is away, it waits as the attempt
/// itself does.
///
/// # Errors
/// Why that was not done; the output is then gone.
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
            // Where it was moved away, there is nothing left to remove.
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
            // Nothing but the want of descriptors leaves the file as it is.
            let Some(dependency @ Dependency::FileDescriptors) =
                Dependency::of_io(&error, Dependency::Scratch)
            else {
                warn!("job {}: cannot read the result: {error}", self.key.0);
                return Err(Unstored::Failed(lost));
            };
            self.outlast(dependency, &error.to_string(), lost).await?;
        }
    }

    async fn put(&mut self, source: Source<'_>) -> Result<ResultLocation, Unstored> {
        let Some(session) = self.pool.claims.session(self.key) else {
            // The claim was taken from this task; nobody will read what it writes.
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
            // Others find room for theirs: then it is this one that is too large.
            self.outages.may_be_own |= failed.is_want_of_room();
            self.outlast(dependency, &fault.to_string(), failed).await?;
        }
    }

    /// Waits until the process has no time left for results that are not where they belong.
    async fn too_late(&self) {
        self.pool.rules.phase.reached(Phase::HandingBack).await;
        running_time::sleep(LAST_PUT).await;
    }

    async fn put_once(&self, blob: &BlobKey, source: &Source<'_>) -> BlobResult<()> {
        let blobs = &self.pool.ports.blobs;
        let answer = async {
            match source {
                Source::Bytes(bytes) => blobs.put(blob, bytes.clone()).await,
                Source::File(path) => blobs.put_file(blob, path).await,
            }
        };
        // As long as the work itself may take: a store that never answers holds no claim forever.
        running_time::timeout(self.pool.config.timeout, answer)
            .await
            .unwrap_or_else(|_| Err(BlobError::Unavailable("no answer".to_owned())))
    }

    /// Waits until the part is back; `failed` is the error where it was there all the time.
    async fn outlast(
        &mut self,
        dependency: Dependency,
        detail: &str,
        failed: JobError,
    ) -> Result<(), Unstored> {
        let after = self
            .outages
            .outlast(self.pool, self.stop_handle, dependency, detail);
        match after.await {
            After::Retry => Ok(()),
            After::HandBack => Err(Unstored::Outage),
            After::Blame => Err(Unstored::Failed(failed)),
            After::Stop => Err(Unstored::Stopped),
        }
    }
}

/// The bytes of a file, if the row has room for them.
enum Small {
    Yes(Bytes),
    No(u64),
}

async fn small_file(path: &Path) -> io::Result<Small> {
    let size = tokio::fs::metadata(path).await?.len();
    Ok(if size <= INLINE_RESULT as u64 {
        Small::Yes(tokio::fs::read(path).await?.into())
    } else {
        Small::No(size)
    })
}
