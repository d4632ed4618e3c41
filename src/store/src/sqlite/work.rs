//! Writes to jobs by workers.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use lastcall_domain::store::{
    ClaimOrder, Claimed, FairClaim, HeartbeatResult, JobResult, Outcome, ResultLocation, Round,
    Turns, WriteResult,
};
use lastcall_domain::{ClaimRef, ContentKey, Job, JobId, Owner, Refused, State};
use rusqlite::{OptionalExtension, params};

use super::error::Sql;
use super::row::{self, key};
use super::transaction::WriteTransaction;
use crate::codec::{self, micros, service_number};

/// The most paused jobs that one claim requeues: each claim requeues more.
const RESUME_BATCH: u32 = 1_000;

/// The next owner after another with queued jobs: one step in an index.
pub(super) const NEXT_OWNER: &str = "SELECT owner FROM jobs
     WHERE service = ?1 AND owner > ?2
       AND state = 0 AND not_before IS NULL AND waits_for IS NULL AND suspect = 0
     ORDER BY owner LIMIT 1";

/// How many jobs an owner is running.
pub(super) const RUNNING_OF_OWNER: &str =
    "SELECT count(*) FROM jobs WHERE owner = ?1 AND state = 1 AND state <> 2";

/// The queue of one owner, in its order.
pub(super) fn ready() -> String {
    format!(
        "SELECT {} FROM jobs
         WHERE service = ?1 AND owner = ?2
           AND state = 0 AND not_before IS NULL AND waits_for IS NULL AND suspect = 0
         ORDER BY priority, id",
        row::JOB
    )
}

/// The queued suspects, the likely culprits last.
pub(super) fn suspects() -> String {
    format!(
        "SELECT {} FROM jobs
         WHERE service = ?1 AND state = 0 AND not_before IS NULL AND waits_for IS NULL
           AND suspect = 1
         ORDER BY attempt, id",
        row::JOB
    )
}

/// Requeues the jobs whose pause is over.
pub(super) const RESUME: &str = "UPDATE jobs SET not_before = NULL WHERE id IN
     (SELECT id FROM jobs
      WHERE service = ?1 AND state = 0 AND not_before IS NOT NULL AND not_before <= ?2
      LIMIT ?3)";

/// The running jobs with expired leases.
pub(super) fn expired() -> String {
    format!(
        "SELECT {} FROM jobs WHERE state = 1 AND lease_until <= ?1
         ORDER BY lease_until",
        row::JOB
    )
}

impl WriteTransaction<'_> {
    pub(super) fn claim(&mut self, order: &ClaimOrder) -> Sql<Vec<Job>> {
        self.undo_lost_claims()?;
        let number = service_number(order.service);
        self.sql(RESUME)?
            .execute(params![number, micros(self.now), RESUME_BATCH])?;
        let mut jobs = Vec::new();
        if order.suspect {
            let most = order.limit.min(1);
            let free = |job: &Job| self.free_slots(&job.owner).is_ok_and(|free| free > 0);
            let found = self.find_some(&suspects(), [number], most, free)?;
            jobs = self.take(order, found)?;
        }
        let left = order.limit - u32::try_from(jobs.len()).unwrap_or(order.limit);
        let claimed = self.claim_in_turn(order, left)?;
        let rotation = self.memory.rotations.entry(order.service).or_default();
        rotation.claimed(&claimed);
        jobs.extend(claimed.items);
        Ok(jobs)
    }

    fn claim_in_turn(&mut self, order: &ClaimOrder, limit: u32) -> Sql<Claimed<Job>> {
        let number = service_number(order.service);
        let rotation = self.memory.rotations.entry(order.service).or_default();
        let mut claim: FairClaim<Job> = rotation.claim(limit);
        while let Some(round) = claim.next_round() {
            let turns = self.with_free_slots(round.turns(self.owners_in_turn(number, &round)?))?;
            let mut taken = Vec::new();
            for (owner, share) in &turns.owners {
                let left = turns.limit - u32::try_from(taken.len()).unwrap_or(turns.limit);
                let params = params![number, owner.as_str()];
                let found = self.find_some(&ready(), params, left.min(*share), |_| true)?;
                let found = self.take(order, found)?;
                taken.extend(found.into_iter().map(|job| (owner.clone(), job)));
            }
            claim.took(&turns, taken);
        }
        Ok(claim.finish())
    }

    /// The turns, with no more jobs of each owner than it may run.
    fn with_free_slots(&self, turns: Turns) -> Sql<Turns> {
        let mut free = HashMap::new();
        for (owner, _) in &turns.owners {
            free.insert(owner.clone(), self.free_slots(owner)?);
        }
        Ok(turns.at_most(|owner| free.get(owner).copied().unwrap_or(0)))
    }

    /// How many more jobs the owner may run.
    fn free_slots(&self, owner: &Owner) -> Sql<u32> {
        let limits = self.memory.limits.per_owner;
        let running = match limits.running_jobs {
            Some(_) => self.number(RUNNING_OF_OWNER, [owner.as_str()])?,
            None => None,
        };
        Ok(limits.free_slots(|| codec::unsigned(running.unwrap_or(0))))
    }

    /// The owners with queued jobs, in the order of their turns.
    fn owners_in_turn(&self, service: i16, round: &Round) -> Sql<Vec<Owner>> {
        let mut next_owner = self.sql(NEXT_OWNER)?;
        let after = round.after.as_ref().map_or("", Owner::as_str);
        let mut owners = Vec::new();
        let mut from = after.to_owned();
        let mut begun_anew = false;
        while owners.len() < round.owners as usize {
            let found = next_owner.query_row(params![service, from], |row| row.get(0));
            let found: Option<String> = found.optional()?;
            match found.filter(|owner| !begun_anew || owner.as_str() <= after) {
                Some(owner) => {
                    from.clone_from(&owner);
                    owners.push(Owner::new(owner));
                }
                None if begun_anew || after.is_empty() => break,
                None => {
                    from.clear();
                    begun_anew = true;
                }
            }
        }
        Ok(owners)
    }

    /// Claims the jobs. Returns those that could be claimed.
    fn take(&mut self, order: &ClaimOrder, mut jobs: Vec<Job>) -> Sql<Vec<Job>> {
        for job in &mut jobs {
            if let Some(burned_epochs) = self.memory.burned_epochs.get(&job.id) {
                job.lifecycle.epoch = job.lifecycle.epoch.max(*burned_epochs);
            }
        }
        let (now, limits) = (self.now, self.memory.limits);
        jobs.retain_mut(|job| job.take(order.holder, order.lease, now, &limits).is_ok());
        for job in &jobs {
            self.save(State::Queued, job)?;
            self.memory.open.claimed.push(job.claim());
        }
        Ok(jobs)
    }

    /// Undoes the lost claims.
    pub(super) fn undo_lost_claims(&mut self) -> Sql<()> {
        for claim in self.memory.unconfirmed.lost() {
            if let Some(mut job) = self.find(claim.job)?
                && job.unclaim(claim, self.now, &self.memory.limits).is_ok()
            {
                self.save(State::Running, &job)?;
            }
            self.memory.open.undone.push(claim);
        }
        Ok(())
    }

    pub(super) fn heartbeat(
        &mut self,
        claims: &[(ClaimRef, f64)],
        lease: Duration,
    ) -> Sql<Vec<HeartbeatResult>> {
        let renew = |(claim, progress): &(ClaimRef, f64)| {
            let Some(mut job) = self.find(claim.job)? else {
                return Ok(HeartbeatResult::Lost);
            };
            let result = job.heartbeat(*claim, *progress, lease, self.now, &self.memory.limits);
            if result != HeartbeatResult::Lost {
                let until = job.lifecycle.lease.map(|lease| micros(lease.until));
                self.sql("UPDATE jobs SET lease_until = ?2, progress = ?3 WHERE id = ?1")?
                    .execute(params![key(job.id.as_uuid()), until, job.progress])?;
            }
            Ok(result)
        };
        claims.iter().map(renew).collect()
    }

    pub(super) fn complete(&mut self, claim: ClaimRef, outcome: &Outcome) -> Sql<WriteResult> {
        let Some(mut job) = self.find(claim.job)? else {
            return Ok(Err(Refused::StaleEpoch));
        };
        if let Err(refused) = job.complete(claim, outcome, self.now, &self.memory.limits) {
            return Ok(Err(refused));
        }
        if let (Outcome::Succeeded(result), State::Succeeded) = (outcome, job.state()) {
            self.keep(&job, result)?;
        }
        self.save(State::Running, &job)?;
        Ok(Ok(job))
    }

    pub(super) fn keep(&self, job: &Job, result: &JobResult) -> Sql<()> {
        let (blob, content) = match &result.location {
            ResultLocation::Blob(key) => (Some(key.as_str()), None),
            ResultLocation::Inline(bytes) => (None, Some(&bytes[..])),
        };
        self.sql(
            "INSERT OR REPLACE INTO results (job, media_type, bytes, blob, content, content_key)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            key(job.id.as_uuid()),
            result.media_type,
            codec::signed(result.bytes),
            blob,
            content,
            result.content_key.as_ref().map(ContentKey::as_bytes),
        ])?;
        Ok(())
    }

    pub(super) fn hand_back(&mut self, claims: &[ClaimRef]) -> Sql<Vec<WriteResult>> {
        let give = |claim: &ClaimRef| {
            let Some(mut job) = self.find(claim.job)? else {
                return Ok(Err(Refused::StaleEpoch));
            };
            if let Err(refused) = job.hand_back(*claim, self.now, &self.memory.limits) {
                return Ok(Err(refused));
            }
            self.save(State::Running, &job)?;
            Ok(Ok(job))
        };
        claims.iter().map(give).collect()
    }

    pub(super) fn expire_leases(&mut self, in_hand: &HashSet<JobId>, limit: u32) -> Sql<Vec<Job>> {
        self.undo_lost_claims()?;
        let unconfirmed = &self.memory.unconfirmed;
        let dead = |job: &Job| !in_hand.contains(&job.id) && !unconfirmed.contains(job.id);
        let jobs = self.find_some(&expired(), [micros(self.now)], limit, dead)?;
        self.expire_all(jobs)
    }

    /// Requeues up to `limit` running jobs, whatever their leases.
    pub(super) fn recover(&mut self, limit: u32) -> Sql<u64> {
        let text = format!(
            "SELECT {} FROM jobs WHERE state = 1 AND lease_until IS NOT NULL
             ORDER BY lease_until",
            row::JOB
        );
        let jobs = self.find_some(&text, [], limit, |_| true)?;
        Ok(self.expire_all(jobs)?.len() as u64)
    }

    fn expire_all(&mut self, mut jobs: Vec<Job>) -> Sql<Vec<Job>> {
        let (now, limits) = (self.now, self.memory.limits);
        jobs.retain_mut(|job| job.expire(now, &limits).is_ok());
        for job in &jobs {
            self.save(State::Running, job)?;
        }
        Ok(jobs)
    }
}
