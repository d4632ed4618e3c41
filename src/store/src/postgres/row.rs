//! Conversion of rows.

use bytes::Bytes;
use lastcall_domain::lifecycle::{Lease, Lifecycle};
use lastcall_domain::store::{Answer, JobResult, ResultLocation};
use lastcall_domain::{
    BlobKey, Dataset, InstanceId, Job, JobId, Owner, Session, SessionId, Timestamp,
};
use tokio_postgres::Row;
use uuid::Uuid;

use super::error::Sql;
use crate::codec::{self, Unreadable};

/// The columns that [`job`] reads.
pub(super) const JOB: &str = "id, session, owner, spec, state, attempt, interruptions, epoch, \
     cancel_requested, holder, lease_until, not_before, progress, created_at, started_at, \
     finished_at, error, suspect, priority, trace, labels";
/// The number of these, and so the index of the next column.
pub(super) const AFTER_JOB: usize = 21;
/// The columns that [`session`] reads.
pub(super) const SESSION: &str = "id, owner, created_at, expires_at, ttl";
/// The columns that [`dataset`] reads.
pub(super) const DATASET: &str =
    "session, name, format, bytes, sha256, blob, created_at, columns, read";
/// The columns that [`answer`] reads.
pub(super) const ANSWER: &str = "fingerprint, status, location, body";
/// The columns that [`result`] reads.
pub(super) const RESULT: &str = "media_type, bytes, blob, content, content_key";

/// The time in a column.
pub(super) fn moment(row: &Row, column: usize) -> Sql<Timestamp> {
    Ok(codec::time(row.try_get(column)?)?)
}

fn maybe(row: &Row, column: usize) -> Sql<Option<Timestamp>> {
    let micros: Option<i64> = row.try_get(column)?;
    Ok(micros.map(codec::time).transpose()?)
}

fn count(row: &Row, column: usize) -> Sql<u32> {
    let count: i64 = row.try_get(column)?;
    let small = u32::try_from(count);
    Ok(small.map_err(|_| Unreadable(format!("the count {count}")))?)
}

/// The job of a row that begins with the columns [`JOB`].
pub(super) fn job(row: &Row) -> Sql<Job> {
    let holder: Option<Uuid> = row.try_get(9)?;
    let lease = match (holder, maybe(row, 10)?) {
        (Some(holder), Some(until)) => Some(Lease {
            holder: InstanceId::from(holder),
            until,
        }),
        _ => None,
    };
    let error: Option<&str> = row.try_get(16)?;
    Ok(Job {
        id: JobId::from(row.try_get::<_, Uuid>(0)?),
        session: SessionId::from(row.try_get::<_, Uuid>(1)?),
        owner: Owner::new(row.try_get::<_, &str>(2)?),
        spec: serde_json::from_str(row.try_get(3)?)?,
        priority: codec::priority(row.try_get(18)?)?,
        lifecycle: Lifecycle {
            state: codec::state(row.try_get(4)?)?,
            attempt: count(row, 5)?,
            interruptions: count(row, 6)?,
            epoch: codec::unsigned(row.try_get(7)?),
            cancel_requested: row.try_get(8)?,
            lease,
            not_before: maybe(row, 11)?,
            suspect: row.try_get(17)?,
        },
        progress: row.try_get(12)?,
        created_at: moment(row, 13)?,
        started_at: maybe(row, 14)?,
        finished_at: maybe(row, 15)?,
        error: error.map(serde_json::from_str).transpose()?,
        trace: codec::trace(row.try_get(19)?),
        labels: codec::labels(row.try_get(20)?)?,
    })
}

/// The session of a row with the columns [`SESSION`].
pub(super) fn session(row: &Row) -> Sql<Session> {
    Ok(Session {
        id: SessionId::from(row.try_get::<_, Uuid>(0)?),
        owner: Owner::new(row.try_get::<_, &str>(1)?),
        created_at: moment(row, 2)?,
        expires_at: moment(row, 3)?,
        ttl: codec::span(row.try_get(4)?),
    })
}

/// The dataset of a row with the columns [`DATASET`].
pub(super) fn dataset(row: &Row) -> Sql<Dataset> {
    let columns: Option<&str> = row.try_get(7)?;
    Ok(Dataset {
        session: SessionId::from(row.try_get::<_, Uuid>(0)?),
        name: codec::dataset_name(row.try_get(1)?)?,
        format: codec::format(row.try_get(2)?)?,
        bytes: codec::unsigned(row.try_get(3)?),
        sha256: row.try_get(4)?,
        blob: BlobKey::from_stored(row.try_get::<_, &str>(5)?),
        created_at: moment(row, 6)?,
        read: serde_json::from_str(row.try_get(8)?)?,
        schema: columns.map(serde_json::from_str).transpose()?,
    })
}

/// The answer of a row with the columns [`ANSWER`], and the fingerprint of its request.
pub(super) fn answer(row: &Row) -> Sql<(Vec<u8>, Answer)> {
    let status: i32 = row.try_get(1)?;
    let small = u16::try_from(status);
    let answer = Answer {
        status: small.map_err(|_| Unreadable(format!("the HTTP status {status}")))?,
        location: row.try_get(2)?,
        body: row.try_get(3)?,
    };
    Ok((row.try_get(0)?, answer))
}

/// The result of a row with the columns [`RESULT`].
pub(super) fn result(row: &Row) -> Sql<JobResult> {
    let blob: Option<&str> = row.try_get(2)?;
    let location = match blob {
        Some(key) => ResultLocation::Blob(BlobKey::from_stored(key)),
        None => {
            let content: Option<Vec<u8>> = row.try_get(3)?;
            ResultLocation::Inline(Bytes::from(content.unwrap_or_default()))
        }
    };
    Ok(JobResult {
        media_type: row.try_get(0)?,
        bytes: codec::unsigned(row.try_get(1)?),
        location,
        content_key: codec::content_key(row.try_get(4)?),
    })
}
