//! Reads what the decision about a submission depends on.

use std::collections::{HashMap, HashSet};

use lastcall_domain::store::{Answer, Submission};
use lastcall_domain::{Job, JobId, Owner, Service, SessionId};
use uuid::Uuid;

use super::error::Sql;
use super::row;
use super::statements::{Transaction, rows};
use crate::codec::{self, service_number};

/// By caller and key, the fingerprint of a request and the answer to it.
pub(super) type Answers = HashMap<(Owner, String), (Vec<u8>, Answer)>;

/// The sessions that accept jobs. They are neither deleted nor removed before the end of the
/// transaction.
pub(super) async fn sessions(
    tx: &Transaction<'_>,
    asked: &[Submission],
) -> Sql<HashSet<SessionId>> {
    let ids: Vec<Uuid> = asked
        .iter()
        .map(|asked| *asked.job.session.as_uuid())
        .collect();
    let text = "SELECT id FROM sessions
         WHERE id = ANY($1) AND expires_at > lastcall_now() AND NOT deleted AND NOT removing
         ORDER BY id FOR SHARE";
    let found = rows(tx, text, &[&ids]).await?;
    let ids = found
        .iter()
        .map(|row| Ok(SessionId::from(row.try_get::<_, Uuid>(0)?)));
    ids.collect()
}

/// The answers to earlier uses of the keys.
pub(super) async fn answers(tx: &Transaction<'_>, asked: &[Submission]) -> Sql<Answers> {
    let keys = asked.iter().filter_map(|asked| asked.idempotency.as_ref());
    let (owners, keys): (Vec<&str>, Vec<&str>) = keys
        .map(|asked| (asked.owner.as_str(), asked.key.as_str()))
        .unzip();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let text = format!(
        "SELECT {}, owner, key FROM answers
         JOIN unnest($1::text[], $2::text[]) AS asked (owner, key) USING (owner, key)",
        row::ANSWER
    );
    let found = rows(tx, &text, &[&owners, &keys]).await?;
    let answers = found.iter().map(|row| {
        let key = (Owner::new(row.try_get::<_, &str>(4)?), row.try_get(5)?);
        Ok((key, row::answer(row)?))
    });
    answers.collect()
}

/// The jobs that already exist.
pub(super) async fn known(tx: &Transaction<'_>, asked: &[Submission]) -> Sql<HashMap<JobId, Job>> {
    let ids: Vec<Uuid> = asked.iter().map(|asked| *asked.job.id.as_uuid()).collect();
    let text = format!("SELECT {} FROM jobs WHERE id = ANY($1)", row::JOB);
    let found = rows(tx, &text, &[&ids]).await?;
    let jobs = found
        .iter()
        .map(|row| row::job(row).map(|job| (job.id, job)));
    jobs.collect()
}

/// The jobs that others wait for.
pub(super) async fn unfinished(tx: &Transaction<'_>, asked: &[Submission]) -> Sql<HashSet<JobId>> {
    let awaited = asked.iter().filter_map(|asked| asked.job.spec.depends_on());
    let awaited: Vec<Uuid> = awaited.map(|id| *id.as_uuid()).collect();
    let mut unfinished = HashSet::new();
    if awaited.is_empty() {
        return Ok(unfinished);
    }
    // Shared locks: none of these ends before the row that waits for it is written.
    let text = "SELECT id, state FROM jobs WHERE id = ANY($1) ORDER BY id FOR SHARE";
    for row in rows(tx, text, &[&awaited]).await? {
        if row.try_get::<_, i16>(1)? < 2 {
            unfinished.insert(JobId::from(row.try_get::<_, Uuid>(0)?));
        }
    }
    Ok(unfinished)
}

/// How many jobs of the services are queued.
pub(super) async fn queued(
    tx: &Transaction<'_>,
    services: &[Service],
) -> Sql<HashMap<Service, u64>> {
    let mut queued = HashMap::new();
    for service in services {
        let text = "SELECT count(*) FROM jobs WHERE service = $1 AND state = 0 AND state < 2";
        let counted = rows(tx, text, &[&service_number(*service)]).await?;
        let counted = counted.first().map_or(Ok(0), |row| row.try_get(0))?;
        queued.insert(*service, codec::unsigned(counted));
    }
    Ok(queued)
}
