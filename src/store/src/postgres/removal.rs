//! Removal in two steps, by one process at a time, and purging.

use std::time::Duration;

use lastcall_domain::{InstanceId, SessionId, StoreResult, Timestamp};
use uuid::Uuid;

use super::error::Sql;
use super::pool::Connections;
use super::statements::{Transaction, change, rows};
use crate::codec::{micros, span_micros};

/// How long a process keeps the sweep without a sign of life.
const SWEEP_LEASE: Duration = Duration::from_secs(60);
/// Sessions whose rows are removed in one transaction, if they have few jobs.
const SESSION_BATCH: usize = 64;
/// Jobs whose rows are removed in one transaction.
const JOB_BATCH: i64 = 500;

/// Expired sessions, without unfinished jobs as far as can be seen. If the caller's clock is ahead
/// of the database's, the latter decides: a session that every other process considers alive must
/// not be removed.
pub(super) const EXPIRED: &str = "SELECT id FROM sessions
     WHERE NOT removing AND expires_at <= least($1, lastcall_now())
       AND NOT EXISTS (SELECT 1 FROM jobs WHERE session = sessions.id AND state < 2)
     ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED";

pub(super) async fn begin(
    connections: &Connections,
    me: InstanceId,
    now: Timestamp,
    limit: u32,
) -> StoreResult<Vec<SessionId>> {
    connections
        .run(|| async move {
            let mut conn = connections.acquire().await?;
            let tx = conn.begin().await?;
            let mut named = Vec::new();
            if take_turn(&tx, me).await? {
                named = mark(&tx, now, limit).await?;
                if named.is_empty() {
                    change(&tx, "UPDATE cleaner SET until = 0", &[]).await?;
                }
            }
            tx.commit().await?;
            conn.done();
            Ok(named)
        })
        .await
}

/// Whether this process may sweep; another waits until it has nothing left to do.
async fn take_turn(tx: &Transaction<'_>, me: InstanceId) -> Sql<bool> {
    let text = "UPDATE cleaner SET holder = $1, until = lastcall_now() + $2
         WHERE holder = $1 OR until <= lastcall_now()";
    let taken = change(tx, text, &[me.as_uuid(), &span_micros(SWEEP_LEASE)]).await?;
    Ok(taken > 0)
}

async fn mark(tx: &Transaction<'_>, now: Timestamp, limit: u32) -> Sql<Vec<SessionId>> {
    let limit = i64::from(limit);
    let text = "SELECT id FROM sessions WHERE removing LIMIT $1";
    let mut named = ids(&rows(tx, text, &[&limit]).await?)?;
    let left = limit - named.len() as i64;
    let locked = ids(&rows(tx, EXPIRED, &[&micros(now), &left]).await?)?;
    // A job may have been added before the lock was taken. This query sees it.
    let text = "UPDATE sessions SET removing = true
         WHERE id = ANY($1)
           AND NOT EXISTS (SELECT 1 FROM jobs WHERE session = sessions.id AND state < 2)
         RETURNING id";
    named.extend(ids(&rows(tx, text, &[&locked]).await?)?);
    Ok(named.into_iter().map(SessionId::from).collect())
}

fn ids(rows: &[tokio_postgres::Row]) -> Sql<Vec<Uuid>> {
    let ids: Result<Vec<Uuid>, _> = rows.iter().map(|row| row.try_get(0)).collect();
    Ok(ids?)
}

pub(super) async fn finish(connections: &Connections, sessions: &[SessionId]) -> StoreResult<()> {
    for some in sessions.chunks(SESSION_BATCH) {
        let some: Vec<Uuid> = some.iter().map(|id| *id.as_uuid()).collect();
        let some = &some;
        let step = || connections.run(|| async move { remove_rows(connections, some).await });
        while !step().await? {}
    }
    Ok(())
}

/// Removes some rows of the sessions; `true` when none is left.
async fn remove_rows(connections: &Connections, sessions: &[Uuid]) -> Sql<bool> {
    let mut conn = connections.acquire().await?;
    let tx = conn.begin().await?;
    let text = "SELECT id FROM sessions WHERE id = ANY($1) AND removing ORDER BY id FOR UPDATE";
    let sessions = ids(&rows(&tx, text, &[&sessions]).await?)?;
    let text = "SELECT id FROM jobs WHERE session = ANY($1) LIMIT $2";
    let jobs = ids(&rows(&tx, text, &[&sessions, &JOB_BATCH]).await?)?;
    let text = "INSERT INTO removed (id, owner, removed_at)
         SELECT jobs.id, jobs.owner, lastcall_now()
         FROM jobs JOIN sessions ON sessions.id = jobs.session
         WHERE jobs.id = ANY($1) AND NOT sessions.deleted
         ON CONFLICT DO NOTHING";
    change(&tx, text, &[&jobs]).await?;
    change(&tx, "DELETE FROM results WHERE job = ANY($1)", &[&jobs]).await?;
    change(&tx, "DELETE FROM jobs WHERE id = ANY($1)", &[&jobs]).await?;
    let all = (jobs.len() as i64) < JOB_BATCH;
    if all {
        let text = "DELETE FROM datasets WHERE session = ANY($1)";
        change(&tx, text, &[&sessions]).await?;
        let text = "INSERT INTO removed (id, owner, removed_at)
             SELECT id, owner, lastcall_now() FROM sessions
             WHERE id = ANY($1) AND NOT deleted
             ON CONFLICT DO NOTHING";
        change(&tx, text, &[&sessions]).await?;
        let text = "DELETE FROM sessions WHERE id = ANY($1)";
        change(&tx, text, &[&sessions]).await?;
    }
    tx.commit().await?;
    conn.done();
    Ok(all)
}

pub(super) async fn purge(
    connections: &Connections,
    before: Timestamp,
    limit: u32,
) -> StoreResult<u64> {
    connections
        .run(|| async move {
            let before = micros(before);
            let mut conn = connections.acquire().await?;
            let text = "DELETE FROM answers WHERE (owner, key) IN
                     (SELECT owner, key FROM answers WHERE created_at < $1 LIMIT $2)";
            let answers = conn.execute(text, &[&before, &i64::from(limit)]).await?;
            let left = i64::from(limit) - answers as i64;
            let text = "DELETE FROM removed WHERE id IN
                     (SELECT id FROM removed WHERE removed_at < $1 LIMIT $2)";
            let removed = conn.execute(text, &[&before, &left]).await?;
            conn.done();
            Ok(answers + removed)
        })
        .await
}
