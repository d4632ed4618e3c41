//! Counts what owners have, so that the bounds are exact.

use std::collections::HashMap;

use lastcall_domain::store::Submission;
use lastcall_domain::{Dataset, Owner, Session};

use super::error::Sql;
use super::statements::{Transaction, rows};
use crate::codec;

/// Lets one process at a time count what these owners have and add to it. The locks are taken in
/// one order, after those of the queues.
const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtext(current_schema() || ' owners'), number)
     FROM (SELECT DISTINCT hashtext(owner) AS number FROM unnest($1::text[]) AS asked (owner)
           ORDER BY number) AS numbers";

/// How many sessions an owner has, without the one that is being created.
pub(super) const SESSIONS: &str = "SELECT count(*) FROM sessions
     WHERE owner = $1 AND expires_at > lastcall_now() AND NOT deleted AND NOT removing
       AND id <> $2";

/// How many jobs of an owner are queued.
pub(super) const QUEUED: &str = "SELECT count(*) FROM jobs
     WHERE owner = $1 AND state = 0 AND state <> 2";

/// The bytes of the datasets of an owner, without the dataset of this name in this session.
pub(super) const BYTES: &str = "SELECT coalesce(sum(datasets.bytes), 0)::bigint
     FROM sessions JOIN datasets ON datasets.session = sessions.id
     WHERE sessions.owner = $1 AND sessions.expires_at > lastcall_now()
       AND NOT sessions.deleted AND NOT sessions.removing
       AND NOT (datasets.session = $2 AND datasets.name = $3)";

async fn lock(tx: &Transaction<'_>, owners: &[&str]) -> Sql<()> {
    rows(tx, LOCK, &[&owners.to_vec()]).await?;
    Ok(())
}

/// How many sessions the owner of this one has, without it.
pub(super) async fn sessions(tx: &Transaction<'_>, session: &Session) -> Sql<u64> {
    let owner = session.owner.as_str();
    lock(tx, &[owner]).await?;
    let counted = rows(tx, SESSIONS, &[&owner, session.id.as_uuid()]).await?;
    number(&counted)
}

/// How many jobs of each owner are queued.
pub(super) async fn queued(tx: &Transaction<'_>, asked: &[Submission]) -> Sql<HashMap<Owner, u64>> {
    let mut owners: Vec<&Owner> = asked.iter().map(|asked| &asked.job.owner).collect();
    owners.sort_unstable();
    owners.dedup();
    let names: Vec<&str> = owners.iter().map(|owner| owner.as_str()).collect();
    lock(tx, &names).await?;
    let mut queued = HashMap::new();
    for owner in owners {
        let counted = rows(tx, QUEUED, &[&owner.as_str()]).await?;
        queued.insert(owner.clone(), number(&counted)?);
    }
    Ok(queued)
}

/// The bytes of the other datasets of the owner whose session this dataset belongs to.
pub(super) async fn bytes(tx: &Transaction<'_>, dataset: &Dataset) -> Sql<u64> {
    let session = dataset.session.as_uuid();
    let owner = rows(tx, "SELECT owner FROM sessions WHERE id = $1", &[session]).await?;
    let Some(owner) = owner.first().map(|row| row.try_get::<_, String>(0)) else {
        return Ok(0);
    };
    let owner = owner?;
    lock(tx, &[&owner]).await?;
    let name = dataset.name.as_str();
    let counted = rows(tx, BYTES, &[&owner, session, &name]).await?;
    number(&counted)
}

fn number(counted: &[tokio_postgres::Row]) -> Sql<u64> {
    let counted = counted.first().map_or(Ok(0), |row| row.try_get(0))?;
    Ok(codec::unsigned(counted))
}
