//! The queue of a service, as a claim takes jobs from it.

use std::collections::HashMap;

use lastcall_domain::store::{ClaimOrder, Claimed, FairClaim, Round, Turns};
use lastcall_domain::{Job, Limits, Owner};
use uuid::Uuid;

use super::error::Sql;
use super::params::Params;
use super::row;
use super::save::lock_readable;
use super::statements::{Transaction, rows};
use crate::codec::{self, service_number};
use crate::quarantine::QuarantinedJobs;

/// The most paused jobs that one claim requeues: each claim requeues more.
pub(super) const RESUME_BATCH: i64 = 1_000;

/// Requeues the jobs whose pause is over.
pub(super) const RESUME: &str = "UPDATE jobs SET not_before = NULL WHERE id IN
     (SELECT id FROM jobs
      WHERE service = $1 AND state = 0 AND not_before IS NOT NULL
        AND not_before <= lastcall_now()
      LIMIT $2 FOR UPDATE SKIP LOCKED)";

/// The owners with queued jobs: the first $3 of those after $2, and of those up to it. Each costs
/// one step in an index, however many jobs it has. Without the jobs $4.
pub(super) fn owners() -> String {
    let walk = |name: &str, from: &str, upto: &str| {
        let step = |after: &str| {
            format!(
                "SELECT owner FROM jobs
                 WHERE service = $1 AND owner COLLATE \"C\" > {after} {upto}
                   AND state = 0 AND not_before IS NULL AND waits_for IS NULL AND NOT suspect
                   AND id <> ALL($4)
                 ORDER BY owner COLLATE \"C\" LIMIT 1"
            )
        };
        format!(
            "{name} (owner, place) AS (
                 (SELECT first.owner, 1::bigint FROM ({}) AS first)
                 UNION ALL
                 SELECT next.owner, {name}.place + 1
                 FROM {name} CROSS JOIN LATERAL ({}) AS next
                 WHERE {name}.place < $3)",
            step(from),
            step(&format!("{name}.owner"))
        )
    };
    format!(
        "WITH RECURSIVE {}, {}
         SELECT owner FROM behind UNION ALL SELECT owner FROM upto",
        walk("behind", "$2", ""),
        walk("upto", "''", "AND owner COLLATE \"C\" <= $2"),
    )
}

/// Up to $3 jobs of each of the owners $2, in their order, and $4 in total: the first of each
/// owner, without those already taken and those that a peer is taking right now.
pub(super) fn ready() -> String {
    format!(
        "SELECT ready.*, lastcall_now()
         FROM unnest($2::text[], $3::bigint[]) AS asked (owner, share) CROSS JOIN LATERAL (
             SELECT {} FROM jobs
             WHERE service = $1 AND owner COLLATE \"C\" = asked.owner
               AND state = 0 AND not_before IS NULL AND waits_for IS NULL AND NOT suspect
               AND id <> ALL($5) AND id <> ALL($6)
             ORDER BY priority, id LIMIT asked.share FOR UPDATE SKIP LOCKED) AS ready
         LIMIT $4",
        row::JOB
    )
}

/// The queued suspects, the likely culprits last; without those of owners at their bound of running
/// jobs.
pub(super) fn suspects(max_running: Option<u64>) -> String {
    let may_run = max_running.map_or_else(String::new, |max_running| {
        format!(
            "AND (SELECT count(*) FROM jobs AS running WHERE running.owner = jobs.owner
                  AND running.state = 1 AND running.state <> 2) < {max_running}"
        )
    });
    format!(
        "SELECT {}, lastcall_now() FROM jobs
         WHERE service = $1 AND state = 0 AND not_before IS NULL AND waits_for IS NULL
           AND suspect AND id <> ALL($2) {may_run}
         ORDER BY attempt, id LIMIT 1 FOR UPDATE SKIP LOCKED",
        row::JOB
    )
}

/// How many jobs an owner is running.
pub(super) const RUNNING: &str =
    "SELECT count(*) FROM jobs WHERE owner = $1 AND state = 1 AND state <> 2";

/// Lets one claim at a time proceed, in all processes, so that an owner's running jobs are counted
/// exactly.
const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtext(current_schema() || ' claims'), 0)";

/// Waits for other claims, if there is a bound on an owner's running jobs.
pub(super) async fn lock_if_bounded(tx: &Transaction<'_>, limits: &Limits) -> Sql<()> {
    if limits.per_owner.running_jobs.is_some() {
        rows(tx, LOCK, &[]).await?;
    }
    Ok(())
}

/// The queue, for one claim.
pub(super) struct Queue<'a> {
    pub(super) tx: &'a Transaction<'a>,
    pub(super) order: ClaimOrder,
    pub(super) limits: &'a Limits,
    pub(super) quarantined: &'a QuarantinedJobs,
}

impl Queue<'_> {
    /// A suspect, if one is wanted and there is one.
    pub(super) async fn suspect(&self) -> Sql<Vec<Job>> {
        if !self.order.suspect || self.order.limit == 0 {
            return Ok(Vec::new());
        }
        let number = service_number(self.order.service);
        let text = suspects(self.limits.per_owner.running_jobs);
        self.take(&text, &[&number]).await
    }

    /// The turns, with no more jobs of each owner than it may run in addition to those already
    /// claimed.
    async fn with_free_slots(&self, turns: Turns, claimed: &[&Owner]) -> Sql<Turns> {
        let limits = self.limits.per_owner;
        if limits.running_jobs.is_none() {
            return Ok(turns);
        }
        let mut running: HashMap<Owner, u64> = HashMap::new();
        for (owner, _) in &turns.owners {
            let counted = rows(self.tx, RUNNING, &[&owner.as_str()]).await?;
            let counted = counted.first().map_or(Ok(0), |row| row.try_get(0))?;
            running.insert(owner.clone(), codec::unsigned(counted));
        }
        for owner in claimed {
            if let Some(running) = running.get_mut(*owner) {
                *running += 1;
            }
        }
        Ok(turns
            .at_most(|owner| limits.free_slots(|| running.get(owner).copied().unwrap_or(u64::MAX))))
    }

    /// The jobs of owners in turn, in addition to those that were claimed `first`.
    pub(super) async fn in_turn(
        &self,
        first: &[Job],
        mut claim: FairClaim<Job>,
    ) -> Sql<Claimed<Job>> {
        let number = service_number(self.order.service);
        while let Some(round) = claim.next_round() {
            let taken: Vec<Uuid> = claim.items().map(|job| *job.id.as_uuid()).collect();
            let turns = round.turns(self.owners(number, &round, &taken).await?);
            let mut claimed: Vec<&Owner> = first.iter().map(|job| &job.owner).collect();
            claimed.extend(claim.items().map(|job| &job.owner));
            let turns = self.with_free_slots(turns, &claimed).await?;
            let owners = turns
                .owners
                .iter()
                .map(|(owner, share)| (owner.as_str(), i64::from(*share)));
            let (owners, shares): (Vec<&str>, Vec<i64>) = owners.unzip();
            let limit = i64::from(turns.limit);
            let mut found = Vec::new();
            if !owners.is_empty() {
                let params: Params<'_> = &[&number, &owners, &shares, &limit, &taken];
                found = self.take(&ready(), params).await?;
            }
            found.sort_by_key(|job| (job.priority, job.id));
            claim.took(
                &turns,
                found.into_iter().map(|job| (job.owner.clone(), job)),
            );
        }
        Ok(claim.finish())
    }

    async fn owners(&self, service: i16, round: &Round, taken: &[Uuid]) -> Sql<Vec<Owner>> {
        let passed_over = [taken, &self.quarantined.ids()].concat();
        let after = round.after.as_ref().map_or("", Owner::as_str);
        let limit = i64::from(round.owners);
        let params: Params<'_> = &[&service, &after, &limit, &passed_over];
        let found = rows(self.tx, &owners(), params).await?;
        let owners = found
            .iter()
            .map(|row| Ok(Owner::new(row.try_get::<_, &str>(0)?)));
        owners.collect()
    }

    async fn take(&self, text: &str, params: Params<'_>) -> Sql<Vec<Job>> {
        let locked = lock_readable(self.tx, text, params, self.quarantined).await?;
        let Some(mut locked) = locked else {
            return Ok(Vec::new());
        };
        let ClaimOrder { holder, lease, .. } = self.order;
        let take = |job: &mut Job| job.take(holder, lease, locked.now, self.limits).is_ok();
        locked.jobs.retain_mut(take);
        Ok(locked.jobs)
    }
}
