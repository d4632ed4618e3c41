//! Writes to sessions and datasets.

use std::collections::HashMap;

use lastcall_domain::store::{Admission, Idempotency, Precondition, UploadOutcome};
use lastcall_domain::{
    BlobKey, Dataset, DatasetName, Job, Limits, ReadOptions, Schema, Session, SessionId,
    StoreResult, Timestamp,
};

use super::error::Sql;
use super::owner_limits;
use super::pool::Connections;
use super::row;
use super::save::{Saved, lock, save};
use super::statements::{Transaction, change, rows};
use super::submit::remember;
use crate::codec::{self, micros};

pub(super) async fn create(
    connections: &Connections,
    limits: &Limits,
    session: &Session,
    idempotency: Option<&Idempotency>,
) -> StoreResult<Admission<Session>> {
    connections
        .run(|| async move { try_create(connections, limits, session, idempotency).await })
        .await
}

async fn try_create(
    connections: &Connections,
    limits: &Limits,
    session: &Session,
    idempotency: Option<&Idempotency>,
) -> Sql<Admission<Session>> {
    let mut conn = connections.acquire().await?;
    let tx = conn.begin().await?;
    if let Some(asked) = idempotency {
        let text = format!(
            "SELECT {} FROM answers WHERE owner = $1 AND key = $2",
            row::ANSWER
        );
        let kept = rows(&tx, &text, &[&asked.owner.as_str(), &asked.key]).await?;
        if let Some(kept) = kept.first() {
            let answer = codec::repeated(asked, row::answer(kept)?);
            tx.commit().await?;
            conn.done();
            return Ok(answer);
        }
    }
    if let Some(most) = limits.per_owner.sessions {
        let sessions = owner_limits::sessions(&tx, session).await?;
        if sessions >= most {
            tx.commit().await?;
            conn.done();
            return Ok(Admission::TooManySessions { sessions });
        }
    }
    let text = "INSERT INTO sessions (id, owner, created_at, expires_at, ttl)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";
    change(
        &tx,
        text,
        &[
            session.id.as_uuid(),
            &session.owner.as_str(),
            &micros(session.created_at),
            &micros(session.expires_at),
            &codec::span_micros(session.ttl),
        ],
    )
    .await?;
    let now = rows(&tx, "SELECT lastcall_now()", &[]).await?;
    let now = now.first().map(|row| row.try_get(0)).transpose()?;
    remember(&tx, idempotency.into_iter(), now.unwrap_or(0)).await?;
    tx.commit().await?;
    conn.done();
    Ok(Admission::Created(session.clone()))
}

pub(super) async fn renew(
    connections: &Connections,
    id: SessionId,
    expires_at: Timestamp,
) -> StoreResult<()> {
    connections
        .run(|| async move {
            let mut conn = connections.acquire().await?;
            let tx = conn.begin().await?;
            // The next use makes up for a renewal that is lost in a crash of the database.
            tx.batch_execute("SET LOCAL synchronous_commit = off")
                .await?;
            let text = "UPDATE sessions SET expires_at = $2
                 WHERE id = $1 AND expires_at < $2 AND NOT deleted AND NOT removing";
            change(&tx, text, &[id.as_uuid(), &micros(expires_at)]).await?;
            tx.commit().await?;
            conn.done();
            Ok(())
        })
        .await
}

/// Deletes the session and returns its unfinished jobs in their new state; `None` if there is no
/// such session. From here on, it accepts no jobs.
pub(super) async fn delete(
    connections: &Connections,
    limits: &Limits,
    id: SessionId,
) -> StoreResult<Option<Saved>> {
    connections
        .run(|| async move { try_delete(connections, limits, id).await })
        .await
}

async fn try_delete(
    connections: &Connections,
    limits: &Limits,
    id: SessionId,
) -> Sql<Option<Saved>> {
    let mut conn = connections.acquire().await?;
    let tx = conn.begin().await?;
    // Its expiry is moved to the beginning of time, where the next sweep looks first.
    let text = "UPDATE sessions SET deleted = true, expires_at = 0
         WHERE id = $1 AND NOT deleted AND NOT removing";
    let deleted = change(&tx, text, &[id.as_uuid()]).await?;
    let mut saved = Saved::default();
    let text = format!(
        "SELECT {}, lastcall_now() FROM jobs WHERE session = $1 AND state < 2
         ORDER BY id FOR UPDATE",
        row::JOB
    );
    if deleted > 0
        && let Some(locked) = lock(&tx, &text, &[id.as_uuid()]).await?
    {
        saved.jobs = locked.jobs;
        saved
            .jobs
            .retain_mut(|job| job.cancel(locked.now, limits).is_ok());
        let changed: Vec<&Job> = saved.jobs.iter().collect();
        saved.released = save(&tx, &changed, &HashMap::new()).await?;
    }
    tx.commit().await?;
    conn.done();
    Ok((deleted > 0).then_some(saved))
}

pub(super) async fn put_dataset(
    connections: &Connections,
    limits: &Limits,
    dataset: &Dataset,
    precondition: &Precondition,
) -> StoreResult<UploadOutcome> {
    connections
        .run(|| async move { try_put_dataset(connections, limits, dataset, precondition).await })
        .await
}

async fn try_put_dataset(
    connections: &Connections,
    limits: &Limits,
    dataset: &Dataset,
    precondition: &Precondition,
) -> Sql<UploadOutcome> {
    let mut conn = connections.acquire().await?;
    let tx = conn.begin().await?;
    let session = dataset.session.as_uuid();
    let text = "SELECT id FROM sessions
         WHERE id = $1 AND expires_at > lastcall_now() AND NOT deleted AND NOT removing
         FOR SHARE";
    if rows(&tx, text, &[session]).await?.is_empty() {
        tx.commit().await?;
        conn.done();
        return Ok(UploadOutcome::SessionGone);
    }
    let name = dataset.name.as_str();
    let text = format!(
        "SELECT {} FROM datasets WHERE session = $1 AND name = $2 FOR UPDATE",
        row::DATASET
    );
    let replaced = rows(&tx, &text, &[session, &name]).await?;
    let replaced = replaced.first().map(row::dataset).transpose()?;
    if !precondition.is_met(replaced.as_ref()) {
        tx.commit().await?;
        conn.done();
        return Ok(UploadOutcome::PreconditionFailed);
    }
    if let Some(quota) = limits.per_owner.stored_bytes {
        let others = owner_limits::bytes(&tx, dataset).await?;
        let before = replaced.as_ref().map(|replaced| replaced.bytes);
        if !limits.per_owner.has_room_for(dataset.bytes, before, others) {
            tx.commit().await?;
            conn.done();
            return Ok(UploadOutcome::QuotaExceeded { others, quota });
        }
    }
    let columns = dataset.schema.as_ref().map(serde_json::to_string);
    // If there was no row to lock, another transaction may have come first; then all of this is
    // repeated, so that the replaced dataset is returned.
    let text = match replaced {
        None => {
            "INSERT INTO datasets
                 (session, name, format, bytes, sha256, blob, created_at, columns, read)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING"
        }
        Some(_) => {
            "UPDATE datasets SET format = $3, bytes = $4, sha256 = $5, blob = $6,
                 created_at = $7, columns = $8, read = $9
             WHERE session = $1 AND name = $2"
        }
    };
    let written = change(
        &tx,
        text,
        &[
            session,
            &name,
            &dataset.format.as_str(),
            &codec::signed(dataset.bytes),
            &dataset.sha256,
            &dataset.blob.as_str(),
            &micros(dataset.created_at),
            &columns.transpose()?,
            &serde_json::to_string(&dataset.read)?,
        ],
    )
    .await?;
    if written != 1 {
        return Err(super::error::Fault::Conflict);
    }
    tx.commit().await?;
    conn.done();
    Ok(UploadOutcome::Stored { replaced })
}

pub(super) async fn set_schema(
    connections: &Connections,
    blob: &BlobKey,
    read: &ReadOptions,
    schema: &Schema,
) -> StoreResult<()> {
    connections
        .run(|| async move {
            let columns = serde_json::to_string(schema)?;
            let read = serde_json::to_string(read)?;
            let mut conn = connections.acquire().await?;
            let text = "UPDATE datasets SET columns = $2 WHERE blob = $1 AND read = $3";
            conn.execute(text, &[&blob.as_str(), &columns, &read])
                .await?;
            conn.done();
            Ok(())
        })
        .await
}

pub(super) async fn set_read_options(
    connections: &Connections,
    seen: &Dataset,
    read: &ReadOptions,
) -> StoreResult<bool> {
    connections
        .run(|| async move {
            let read = serde_json::to_string(read)?;
            let mut conn = connections.acquire().await?;
            let tx = conn.begin().await?;
            let held = locked_dataset(&tx, seen.session, &seen.name).await?;
            // Compared as values: another version may have written the same options differently.
            let holds = held.is_some_and(|held| held.is_read_like(seen));
            if holds {
                let text = "UPDATE datasets SET read = $3, columns = NULL
                     WHERE session = $1 AND name = $2";
                let (session, name) = (seen.session.as_uuid(), seen.name.as_str());
                change(&tx, text, &[session, &name, &read]).await?;
            }
            tx.commit().await?;
            conn.done();
            Ok(holds)
        })
        .await
}

pub(super) async fn delete_dataset(
    connections: &Connections,
    session: SessionId,
    name: &DatasetName,
    precondition: &Precondition,
) -> StoreResult<Option<Dataset>> {
    connections
        .run(|| async move {
            let mut conn = connections.acquire().await?;
            // Not retried if its response is lost: the dataset would be gone without being
            // returned.
            let tx = conn.begin().await?;
            let found = locked_dataset(&tx, session, name).await?;
            let found = found.filter(|found| precondition.is_met(Some(found)));
            if found.is_some() {
                let text = "DELETE FROM datasets WHERE session = $1 AND name = $2";
                change(&tx, text, &[session.as_uuid(), &name.as_str()]).await?;
            }
            tx.commit().await?;
            conn.done();
            Ok(found)
        })
        .await
}

/// The dataset of a session that is not being removed, locked until the transaction ends.
async fn locked_dataset(
    tx: &Transaction<'_>,
    session: SessionId,
    name: &DatasetName,
) -> Sql<Option<Dataset>> {
    let text = format!(
        "SELECT {} FROM datasets WHERE session = $1 AND name = $2
           AND NOT EXISTS (SELECT 1 FROM sessions WHERE id = $1 AND removing)
         FOR UPDATE",
        row::DATASET
    );
    let found = rows(tx, &text, &[session.as_uuid(), &name.as_str()]).await?;
    found.first().map(row::dataset).transpose()
}
