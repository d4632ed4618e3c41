//! Claims, heartbeats, and the reaping of dead workers' jobs.

use std::collections::HashMap;
use std::time::Duration;

use lastcall_domain::store::{ClaimOrder, HeartbeatResult};
use lastcall_domain::{ClaimRef, Job, JobId, Limits, StoreResult};
use uuid::Uuid;

use super::error::Sql;
use super::params::Params;
use super::pool::Connections;
use super::queue::{Queue, RESUME, RESUME_BATCH, lock_if_bounded};
use super::row;
use super::save::{Saved, lock_ids, lock_readable, save};
use super::statements::change;
use super::unconfirmed::UnconfirmedClaims;
use crate::codec::{micros, service_number};
use crate::quarantine::QuarantinedJobs;

/// The running jobs with expired leases, without those whose worker is known to be alive.
pub(super) fn expired() -> String {
    format!(
        "SELECT {}, lastcall_now() FROM jobs
         WHERE state = 1 AND lease_until <= lastcall_now() AND id <> ALL($2) AND id <> ALL($3)
         ORDER BY lease_until LIMIT $1 FOR UPDATE SKIP LOCKED",
        row::JOB
    )
}

/// The claim is on disk when this returns: otherwise a peer could give out the same epoch again.
/// Undone claims are returned as well.
pub(super) async fn claim(
    connections: &Connections,
    limits: &Limits,
    quarantined: &QuarantinedJobs,
    unconfirmed: &UnconfirmedClaims,
    order: ClaimOrder,
) -> StoreResult<(Vec<Job>, Saved)> {
    let mut lock = unconfirmed.lock().await;
    let held = &lock;
    let claim = connections.run(|| async move {
        let mut conn = connections.acquire().await?;
        let tx = conn.begin().await?;
        lock_if_bounded(&tx, limits).await?;
        let given_back = held.undo(&tx, limits).await?;
        let number = service_number(order.service);
        change(&tx, RESUME, &[&number, &RESUME_BATCH]).await?;
        let queue = Queue {
            tx: &tx,
            order,
            limits,
            quarantined,
        };
        let mut jobs = queue.suspect().await?;
        let left = order.limit - u32::try_from(jobs.len()).unwrap_or(order.limit);
        let claimed = queue.in_turn(&jobs, held.rotation().claim(left)).await?;
        jobs.extend(claimed.items.iter().cloned());
        let changed: Vec<&Job> = jobs.iter().collect();
        save(&tx, &changed, &HashMap::new()).await?;
        held.add(order.holder, &jobs);
        tx.commit().await?;
        held.confirm();
        conn.done();
        Ok((jobs, claimed, given_back))
    });
    let (jobs, claimed, given_back) = claim.await?;
    lock.claimed(&claimed);
    Ok((jobs, given_back))
}

/// Undoes the unconfirmed claims, before they are taken for those of a dead process.
pub(super) async fn undo_unconfirmed(
    connections: &Connections,
    limits: &Limits,
    unconfirmed: &UnconfirmedClaims,
) -> StoreResult<Saved> {
    let Some(lock) = &unconfirmed.lock_if_needed() else {
        return Ok(Saved::default());
    };
    connections
        .run(|| async move {
            let mut conn = connections.acquire().await?;
            let tx = conn.begin().await?;
            let given_back = lock.undo(&tx, limits).await?;
            tx.commit().await?;
            lock.confirm();
            conn.done();
            Ok(given_back)
        })
        .await
}

pub(super) async fn heartbeat(
    connections: &Connections,
    limits: &Limits,
    claims: &[(ClaimRef, f64)],
    lease: Duration,
) -> StoreResult<Vec<HeartbeatResult>> {
    if claims.is_empty() {
        return Ok(Vec::new());
    }
    connections
        .run(|| async move { try_heartbeat(connections, limits, claims, lease).await })
        .await
}

async fn try_heartbeat(
    connections: &Connections,
    limits: &Limits,
    claims: &[(ClaimRef, f64)],
    lease: Duration,
) -> Sql<Vec<HeartbeatResult>> {
    let ids: Vec<Uuid> = claims
        .iter()
        .map(|(claim, _)| *claim.job.as_uuid())
        .collect();
    let mut conn = connections.acquire().await?;
    let tx = conn.begin().await?;
    // If a crash of the database shortens a lease, that costs an attempt, and no more.
    tx.batch_execute("SET LOCAL synchronous_commit = off")
        .await?;
    let mut jobs: HashMap<JobId, Job> = HashMap::new();
    let mut now = lastcall_domain::Timestamp::default();
    if let Some(locked) = lock_ids(&tx, &ids).await? {
        now = locked.now;
        jobs.extend(locked.jobs.into_iter().map(|job| (job.id, job)));
    }
    let mut held = (Vec::new(), Vec::new(), Vec::new());
    let mut beats = Vec::new();
    for (claim, progress) in claims {
        let beat = match jobs.get_mut(&claim.job) {
            Some(job) => job.heartbeat(*claim, *progress, lease, now, limits),
            None => HeartbeatResult::Lost,
        };
        let job = jobs
            .get(&claim.job)
            .filter(|_| beat != HeartbeatResult::Lost);
        if let Some((job, lease)) = job.and_then(|job| Some((job, job.lifecycle.lease?))) {
            held.0.push(*job.id.as_uuid());
            held.1.push(micros(lease.until));
            held.2.push(job.progress);
        }
        beats.push(beat);
    }
    let text = "UPDATE jobs SET lease_until = new.lease_until, progress = new.progress
         FROM unnest($1::uuid[], $2::bigint[], $3::double precision[])
             AS new (id, lease_until, progress)
         WHERE jobs.id = new.id";
    change(&tx, text, &[&held.0, &held.1, &held.2]).await?;
    tx.commit().await?;
    conn.done();
    Ok(beats)
}

pub(super) async fn expire_leases(
    connections: &Connections,
    limits: &Limits,
    quarantined: &QuarantinedJobs,
    alive: &[Uuid],
    limit: u32,
) -> StoreResult<Saved> {
    connections
        .run(|| async move {
            let mut conn = connections.acquire().await?;
            let tx = conn.begin().await?;
            let mut saved = Saved::default();
            let params: Params<'_> = &[&i64::from(limit), &alive];
            if let Some(locked) = lock_readable(&tx, &expired(), params, quarantined).await? {
                saved.jobs = locked.jobs;
                saved
                    .jobs
                    .retain_mut(|job| job.expire(locked.now, limits).is_ok());
            }
            let changed: Vec<&Job> = saved.jobs.iter().collect();
            saved.released = save(&tx, &changed, &HashMap::new()).await?;
            tx.commit().await?;
            conn.done();
            Ok(saved)
        })
        .await
}
