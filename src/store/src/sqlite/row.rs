//! Conversion of rows.

use bytes::Bytes;
use lastcall_domain::lifecycle::{Lease, Lifecycle};
use lastcall_domain::store::{Answer, JobResult, ResultLocation};
use lastcall_domain::{BlobKey, Dataset, InstanceId, Job, JobId, Owner, Session, SessionId};
use rusqlite::Row;
use uuid::Uuid;

use super::error::Sql;
use crate::codec::{self, Unreadable};

/// The columns that [`job`] reads.
pub(super) const JOB: &str = "id, session, owner, spec, state, attempt, interruptions, epoch, \
     cancel_requested, holder, lease_until, not_before, progress, created_at, started_at, \
     finished_at, error, suspect, priority, trace, labels";
/// The columns that [`session`] reads.
pub(super) const SESSION: &str = "id, owner, created_at, expires_at, ttl";
/// The columns that [`dataset`] reads.
pub(super) const DATASET: &str =
    "session, name, format, bytes, sha256, blob, created_at, columns, read";
/// The columns that [`answer`] reads.
pub(super) const ANSWER: &str = "fingerprint, status, location, body";
/// The columns that [`result`] reads.
pub(super) const RESULT: &str = "media_type, bytes, blob, content, content_key";

/// The bytes of an id.
pub(super) fn key(id: &Uuid) -> &[u8] {
    id.as_bytes()
}

/// The id in a column.
pub(super) fn id<T: From<Uuid>>(row: &Row<'_>, column: usize) -> Sql<T> {
    uuid(&row.get::<_, Vec<u8>>(column)?)
}

fn uuid<T: From<Uuid>>(bytes: &[u8]) -> Sql<T> {
    let uuid = Uuid::from_slice(bytes);
    uuid.map(T::from)
        .map_err(|error| Unreadable(format!("an id of the wrong length: {error}")).into())
}

fn moment(row: &Row<'_>, column: usize) -> Sql<Option<lastcall_domain::Timestamp>> {
    let micros: Option<i64> = row.get(column)?;
    Ok(micros.map(codec::time).transpose()?)
}

/// The job of a row with the columns [`JOB`].
pub(super) fn job(row: &Row<'_>) -> Sql<Job> {
    let holder: Option<Vec<u8>> = row.get(9)?;
    let until = moment(row, 10)?;
    let lease = match (holder, until) {
        (Some(holder), Some(until)) => Some(Lease {
            holder: uuid::<InstanceId>(&holder)?,
            until,
        }),
        _ => None,
    };
    let error: Option<String> = row.get(16)?;
    Ok(Job {
        id: id::<JobId>(row, 0)?,
        session: id::<SessionId>(row, 1)?,
        owner: Owner::new(row.get::<_, String>(2)?),
        spec: serde_json::from_str(row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?)?,
        priority: codec::priority(row.get(18)?)?,
        lifecycle: Lifecycle {
            state: codec::state(row.get(4)?)?,
            attempt: row.get(5)?,
            interruptions: row.get(6)?,
            epoch: codec::unsigned(row.get(7)?),
            cancel_requested: row.get(8)?,
            lease,
            not_before: moment(row, 11)?,
            suspect: row.get(17)?,
        },
        progress: row.get(12)?,
        created_at: codec::time(row.get(13)?)?,
        started_at: moment(row, 14)?,
        finished_at: moment(row, 15)?,
        error: error.map(|json| serde_json::from_str(&json)).transpose()?,
        trace: codec::trace(
            row.get_ref(19)?
                .as_str_or_null()
                .map_err(rusqlite::Error::from)?,
        ),
        labels: codec::labels(
            row.get_ref(20)?
                .as_str_or_null()
                .map_err(rusqlite::Error::from)?,
        )?,
    })
}

/// The session of a row with the columns [`SESSION`].
pub(super) fn session(row: &Row<'_>) -> Sql<Session> {
    Ok(Session {
        id: id(row, 0)?,
        owner: Owner::new(row.get::<_, String>(1)?),
        created_at: codec::time(row.get(2)?)?,
        expires_at: codec::time(row.get(3)?)?,
        ttl: codec::span(row.get(4)?),
    })
}

/// The dataset of a row with the columns [`DATASET`].
pub(super) fn dataset(row: &Row<'_>) -> Sql<Dataset> {
    let name: String = row.get(1)?;
    let format: String = row.get(2)?;
    let columns: Option<String> = row.get(7)?;
    Ok(Dataset {
        session: id(row, 0)?,
        name: codec::dataset_name(name)?,
        format: codec::format(&format)?,
        bytes: codec::unsigned(row.get(3)?),
        sha256: row.get(4)?,
        blob: BlobKey::from_stored(row.get::<_, String>(5)?),
        created_at: codec::time(row.get(6)?)?,
        read: serde_json::from_str(row.get_ref(8)?.as_str().map_err(rusqlite::Error::from)?)?,
        schema: columns
            .map(|json| serde_json::from_str(&json))
            .transpose()?,
    })
}

/// The answer of a row with the columns [`ANSWER`], and the fingerprint of its request.
pub(super) fn answer(row: &Row<'_>) -> Sql<(Vec<u8>, Answer)> {
    let answer = Answer {
        status: row.get(1)?,
        location: row.get(2)?,
        body: row.get(3)?,
    };
    Ok((row.get(0)?, answer))
}

/// The result of a row with the columns [`RESULT`].
pub(super) fn result(row: &Row<'_>) -> Sql<JobResult> {
    let blob: Option<String> = row.get(2)?;
    let location = match blob {
        Some(key) => ResultLocation::Blob(BlobKey::from_stored(key)),
        None => ResultLocation::Inline(Bytes::from(
            row.get::<_, Option<Vec<u8>>>(3)?.unwrap_or_default(),
        )),
    };
    Ok(JobResult {
        media_type: row.get(0)?,
        bytes: codec::unsigned(row.get(1)?),
        location,
        content_key: codec::content_key(
            row.get_ref(4)?
                .as_blob_or_null()
                .map_err(rusqlite::Error::from)?,
        ),
    })
}
