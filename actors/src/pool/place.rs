//! Where the bytes of a result go: into the row, or into the blob store before the row says so.

use std::path::Path;

use bytes::Bytes;
use lastcall_domain::store::{INLINE_RESULT, JobResult, Place};
use lastcall_domain::{BlobError, BlobKey, Body, JobError, Output, running_time};
use log::warn;
use tokio::time::sleep;

use super::Pool;
use super::claim::Key;
use super::write::FIRST_PAUSE;

/// How often a result is put into the blob store before the attempt counts as failed.
const TRIES: u32 = 8;

/// Puts the output where results are kept.
///
/// # Errors
/// The attempt's error where that cannot be done; the output is then gone.
pub(super) async fn place(pool: &Pool, key: Key, output: Output) -> Result<JobResult, JobError> {
    let Output { media_type, body } = output;
    let (bytes, place) = match body {
        Body::Bytes(bytes) if bytes.len() <= INLINE_RESULT => {
            (bytes.len() as u64, Place::Inline(Bytes::from(bytes)))
        }
        Body::Bytes(bytes) => {
            let size = bytes.len() as u64;
            (
                size,
                put(pool, key, Source::Bytes(Bytes::from(bytes))).await?,
            )
        }
        Body::File(path) => {
            let placed = place_file(pool, key, &path).await;
            // Where it was moved away, there is nothing left to remove.
            remove_file(&path).await;
            placed?
        }
    };
    Ok(JobResult {
        media_type,
        bytes,
        place,
    })
}

async fn place_file(pool: &Pool, key: Key, path: &Path) -> Result<(u64, Place), JobError> {
    let lost = |error: std::io::Error| {
        warn!("job {}: its result cannot be read: {error}", key.0);
        JobError::transient("result_lost", "the result could not be read back")
    };
    let size = tokio::fs::metadata(path).await.map_err(lost)?.len();
    if size <= INLINE_RESULT as u64 {
        let bytes = tokio::fs::read(path).await.map_err(lost)?;
        return Ok((bytes.len() as u64, Place::Inline(Bytes::from(bytes))));
    }
    Ok((size, put(pool, key, Source::File(path)).await?))
}

enum Source<'a> {
    Bytes(Bytes),
    File(&'a Path),
}

async fn put(pool: &Pool, key: Key, source: Source<'_>) -> Result<Place, JobError> {
    let session = pool.hands.session(key);
    let Some(session) = session else {
        // The claim was taken from this task; nobody will read what it writes.
        return Err(JobError::transient("worker_lost", "the claim was given up"));
    };
    let blob = BlobKey::result(session, key.0, key.1);
    let mut pause = FIRST_PAUSE;
    for attempt in 1.. {
        let answer = async {
            match &source {
                Source::Bytes(bytes) => pool.ports.blobs.put(&blob, bytes.clone()).await,
                Source::File(path) => pool.ports.blobs.put_file(&blob, path).await,
            }
        };
        // As long as the work itself may take: a store that never answers holds no claim for ever.
        match running_time::timeout(pool.config.timeout, answer).await {
            Ok(Ok(())) => break,
            Ok(Err(fault)) if fault.retryable() && attempt < TRIES => sleep(pause).await,
            Ok(Err(fault)) => return Err(failed(key, &fault)),
            Err(_) => {
                let silent = BlobError::Unavailable("no answer".to_owned());
                return Err(failed(key, &silent));
            }
        }
        // The number of tries bounds it, too: the last pause is little more than a second.
        pause *= 2;
    }
    Ok(Place::Blob(blob))
}

fn failed(key: Key, fault: &BlobError) -> JobError {
    warn!("job {}: its result cannot be stored: {fault}", key.0);
    JobError::transient(fault.code(), "the result could not be stored")
}

/// Removes a file that is ours, if it is still there: on a thread that may wait, as the blocks of
/// a large file take their time.
pub(super) async fn remove_file(path: &Path) {
    if let Err(error) = tokio::fs::remove_file(path).await
        && error.kind() != std::io::ErrorKind::NotFound
    {
        warn!("a file stays behind in {}: {error}", path.display());
    }
}
