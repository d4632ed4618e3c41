//! Locks jobs, applies the transition function, and writes them back.

use std::collections::HashMap;

use lastcall_domain::store::{JobResult, ResultLocation};
use lastcall_domain::{Job, JobId, Timestamp};
use tokio_postgres::Row;
use uuid::Uuid;

use super::error::{Fault, Sql};
use super::params::Params;
use super::row;
use super::statements::{Transaction, change, rows};
use crate::codec::{self, micros, state_number};
use crate::quarantine::QuarantinedJobs;

/// Jobs that are locked until the end of the transaction, and the time of the database when they
/// were locked.
pub(super) struct Locked {
    pub(super) jobs: Vec<Job>,
    pub(super) now: Timestamp,
}

/// Changed jobs, in their new state.
#[derive(Default)]
pub(super) struct Saved {
    pub(super) jobs: Vec<Job>,
    /// Whether other jobs were waiting for one of them to end.
    pub(super) released: bool,
}

/// Locks the jobs that the query `text` finds. It must return the columns [`row::JOB`] and the
/// time.
pub(super) async fn lock(
    tx: &Transaction<'_>,
    text: &str,
    params: Params<'_>,
) -> Sql<Option<Locked>> {
    let found = rows(tx, text, params).await?;
    let Some(first) = found.first() else {
        return Ok(None);
    };
    let now = row::moment(first, row::AFTER_JOB)?;
    let jobs = found
        .iter()
        .map(|row: &Row| row::job(row))
        .collect::<Sql<_>>()?;
    Ok(Some(Locked { jobs, now }))
}

/// Locks the readable jobs that the query finds. The query's last parameter is the ids of the jobs
/// that it excludes, which are those in quarantine.
pub(super) async fn lock_readable(
    tx: &Transaction<'_>,
    text: &str,
    params: Params<'_>,
    quarantined: &QuarantinedJobs,
) -> Sql<Option<Locked>> {
    loop {
        let known = quarantined.ids();
        let found = rows(tx, text, &[params, &[&known]].concat()).await?;
        let Some(first) = found.first() else {
            return Ok(None);
        };
        let now = row::moment(first, row::AFTER_JOB)?;
        let mut jobs = Vec::new();
        for row in &found {
            match row::job(row) {
                Ok(job) => jobs.push(job),
                Err(Fault::Row(why)) if quarantined.put(row.try_get(0)?, &why) => {}
                Err(fault) => return Err(fault),
            }
        }
        // Quarantined jobs make room for others.
        if jobs.len() == found.len() {
            return Ok(Some(Locked { jobs, now }));
        }
    }
}

/// Locks these jobs, in the order of their ids, so that transactions cannot deadlock.
pub(super) async fn lock_ids(tx: &Transaction<'_>, ids: &[Uuid]) -> Sql<Option<Locked>> {
    let text = format!(
        "SELECT {}, lastcall_now() FROM jobs WHERE id = ANY($1) ORDER BY id FOR UPDATE",
        row::JOB
    );
    lock(tx, &text, &[&ids]).await
}

/// Writes the changed jobs, with the results of those that have succeeded, and releases the jobs
/// that waited for an end. Returns whether there were any.
pub(super) async fn save(
    tx: &Transaction<'_>,
    jobs: &[&Job],
    results: &HashMap<JobId, JobResult>,
) -> Sql<bool> {
    if jobs.is_empty() {
        return Ok(false);
    }
    let (_, _, released) =
        tokio::try_join!(update(tx, jobs), keep(tx, results), release(tx, jobs))?;
    Ok(released)
}

/// Releases the jobs that waited for one of these to end. Returns whether there were any.
async fn release(tx: &Transaction<'_>, jobs: &[&Job]) -> Sql<bool> {
    let ended = jobs.iter().filter(|job| job.state().is_final());
    let ended: Vec<Uuid> = ended.map(|job| *job.id.as_uuid()).collect();
    if ended.is_empty() {
        return Ok(false);
    }
    let text = "UPDATE jobs SET waits_for = NULL WHERE waits_for = ANY($1)";
    Ok(change(tx, text, &[&ended]).await? > 0)
}

async fn update(tx: &Transaction<'_>, jobs: &[&Job]) -> Sql<()> {
    fn each<T>(jobs: &[&Job], value: impl Fn(&Job) -> T) -> Vec<T> {
        jobs.iter().map(|job| value(job)).collect()
    }
    let errors: Result<Vec<Option<String>>, _> = jobs
        .iter()
        .map(|job| job.error.as_ref().map(serde_json::to_string).transpose())
        .collect();
    let text = "UPDATE jobs SET state = new.state, attempt = new.attempt,
             interruptions = new.interruptions, epoch = new.epoch,
             cancel_requested = new.cancel_requested, holder = new.holder,
             lease_until = new.lease_until, not_before = new.not_before,
             progress = new.progress, started_at = new.started_at,
             finished_at = new.finished_at, error = new.error, suspect = new.suspect
         FROM unnest($1::uuid[], $2::smallint[], $3::bigint[], $4::bigint[], $5::bigint[],
                     $6::boolean[], $7::uuid[], $8::bigint[], $9::bigint[],
                     $10::double precision[], $11::bigint[], $12::bigint[], $13::text[],
                     $14::boolean[])
             AS new (id, state, attempt, interruptions, epoch, cancel_requested, holder,
                     lease_until, not_before, progress, started_at, finished_at, error, suspect)
         WHERE jobs.id = new.id";
    let lease = |job: &Job| job.lifecycle.lease;
    change(
        tx,
        text,
        &[
            &each(jobs, |job| *job.id.as_uuid()),
            &each(jobs, |job| state_number(job.state())),
            &each(jobs, |job| i64::from(job.lifecycle.attempt)),
            &each(jobs, |job| i64::from(job.lifecycle.interruptions)),
            &each(jobs, |job| codec::signed(job.lifecycle.epoch)),
            &each(jobs, |job| job.lifecycle.cancel_requested),
            &each(jobs, |job| lease(job).map(|lease| *lease.holder.as_uuid())),
            &each(jobs, |job| lease(job).map(|lease| micros(lease.until))),
            &each(jobs, |job| job.lifecycle.not_before.map(micros)),
            &each(jobs, |job| job.progress),
            &each(jobs, |job| job.started_at.map(micros)),
            &each(jobs, |job| job.finished_at.map(micros)),
            &errors?,
            &each(jobs, |job| job.lifecycle.suspect),
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn keep(tx: &Transaction<'_>, results: &HashMap<JobId, JobResult>) -> Sql<()> {
    if results.is_empty() {
        return Ok(());
    }
    let mut ids = Vec::new();
    let mut media_types = Vec::new();
    let mut sizes = Vec::new();
    let mut blobs = Vec::new();
    let mut contents = Vec::new();
    let mut content_keys = Vec::new();
    for (id, result) in results {
        let (blob, content) = match &result.location {
            ResultLocation::Blob(key) => (Some(key.as_str()), None),
            ResultLocation::Inline(bytes) => (None, Some(&bytes[..])),
        };
        ids.push(*id.as_uuid());
        media_types.push(result.media_type.as_str());
        sizes.push(codec::signed(result.bytes));
        blobs.push(blob);
        contents.push(content);
        content_keys.push(result.content_key.as_ref().map(|key| &key.as_bytes()[..]));
    }
    let text = "INSERT INTO results (job, media_type, bytes, blob, content, content_key)
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::text[], $5::bytea[],
                              $6::bytea[])";
    change(
        tx,
        text,
        &[&ids, &media_types, &sizes, &blobs, &contents, &content_keys],
    )
    .await?;
    Ok(())
}
