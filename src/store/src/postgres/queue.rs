//! The queue of a service, as a claim takes jobs from it.

use lastcall_domain::store::{ClaimOrder, Claimed, FairClaim, Round};
use lastcall_domain::{Job, Limits, Owner};
use uuid::Uuid;

use super::error::Sql;
use super::params::Params;
use super::row;
use super::save::lock_readable;
use super::statements::{Transaction, rows};
use crate::codec::service_number;
use crate::quarantine::QuarantinedJobs;

/// Paused jobs that one claim lets into the queue: each claim lets in more.
pub(super) const RESUMED_AT_ONCE: i64 = 1_000;

/// What comes into the queue because its pause is over.
pub(super) const RESUME: &str = "UPDATE jobs SET not_before = NULL WHERE id IN
     (SELECT id FROM jobs
      WHERE service = $1 AND state = 0 AND not_before IS NOT NULL
        AND not_before <= lastcall_now()
      LIMIT $2 FOR UPDATE SKIP LOCKED)";

/// The owners with jobs in the queue: the first $3 of those behind $2, and of those up to it. Each
/// is one step into an index, however many jobs it has. Without the jobs $4.
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

/// Up to $3 jobs of each of the owners $2 in their order, and $4 of all: the oldest of each, without
/// those that were taken already and those that a peer is taking right now.
pub(super) fn ready() -> String {
    format!(
        "SELECT ready.*, lastcall_now()
         FROM unnest($2::text[]) AS asked (owner) CROSS JOIN LATERAL (
             SELECT {} FROM jobs
             WHERE service = $1 AND owner COLLATE \"C\" = asked.owner
               AND state = 0 AND not_before IS NULL AND waits_for IS NULL AND NOT suspect
               AND id <> ALL($5) AND id <> ALL($6)
             ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED) AS ready
         LIMIT $4",
        row::JOB
    )
}

/// The suspects in the queue, the likely culprits last.
pub(super) fn suspects() -> String {
    format!(
        "SELECT {}, lastcall_now() FROM jobs
         WHERE service = $1 AND state = 0 AND not_before IS NULL AND waits_for IS NULL
           AND suspect AND id <> ALL($2)
         ORDER BY attempt, id LIMIT 1 FOR UPDATE SKIP LOCKED",
        row::JOB
    )
}

/// The queue, for one claim.
pub(super) struct Queue<'a> {
    pub(super) tx: &'a Transaction<'a>,
    pub(super) order: ClaimOrder,
    pub(super) limits: &'a Limits,
    pub(super) quarantined: &'a QuarantinedJobs,
}

impl Queue<'_> {
    /// A suspect, where one is wanted and there is one.
    pub(super) async fn suspect(&self) -> Sql<Vec<Job>> {
        if !self.order.suspect || self.order.limit == 0 {
            return Ok(Vec::new());
        }
        let number = service_number(self.order.service);
        self.take(&suspects(), &[&number]).await
    }

    /// The jobs of owners who take turns.
    pub(super) async fn in_turn(&self, mut claim: FairClaim<Job>) -> Sql<Claimed<Job>> {
        let number = service_number(self.order.service);
        while let Some(round) = claim.next_round() {
            let taken: Vec<Uuid> = claim.items().map(|job| *job.id.as_uuid()).collect();
            let turns = round.turns(self.owners(number, &round, &taken).await?);
            let owners: Vec<&str> = turns.owners.iter().map(Owner::as_str).collect();
            let (share, limit) = (i64::from(turns.share), i64::from(turns.limit));
            let mut found = Vec::new();
            if !owners.is_empty() {
                let params: Params<'_> = &[&number, &owners, &share, &limit, &taken];
                found = self.take(&ready(), params).await?;
            }
            found.sort_by_key(|job| job.id);
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
