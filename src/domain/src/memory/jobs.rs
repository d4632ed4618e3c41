//! Jobs, in memory.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use super::state::{Rows, ordered, page};
use crate::store::{
    Admission, ClaimOrder, Claimed, FairClaim, HeartbeatResult, JobFilter, JobResult, Outcome,
    Page, Submission, WriteResult,
};
use crate::{ClaimRef, ContentKey, Job, JobId, Owner, Refused, State, Timestamp};

impl Rows {
    pub(super) fn submit(&mut self, submission: Submission, now: Timestamp) -> Admission<Job> {
        let Submission {
            job,
            idempotency,
            max_queued,
        } = submission;
        if let Some(answer) = self.repeated(idempotency.as_ref()) {
            return answer;
        }
        if let Some(before) = self.jobs.get(&job.id) {
            // The same submission again, after a lost response.
            return Admission::Created(before.clone());
        }
        let session = self.sessions.get(&job.session);
        if !session.is_some_and(|row| row.accepts(now)) {
            return Admission::SessionGone;
        }
        let queued = self.counts.jobs.entry(job.service()).or_default().queued;
        if queued >= max_queued {
            return Admission::QueueFull { queued };
        }
        if let Some(most) = self.limits.per_owner.queued_jobs {
            let unfinished = self.unfinished.iter().filter_map(|id| self.jobs.get(id));
            let of_owner = unfinished
                .filter(|other| other.state() == State::Queued && other.owner == job.owner);
            let queued = of_owner.count() as u64;
            if queued >= most {
                return Admission::OwnerQueueFull { queued };
            }
        }
        self.remember(idempotency, now);
        self.put(job.clone());
        Admission::Created(job)
    }

    pub(super) fn submit_answered(
        &mut self,
        submission: Submission,
        result: JobResult,
        now: Timestamp,
    ) -> Admission<Job> {
        let job = submission.job.clone().answered();
        if let Some(answer) = self.repeated(submission.idempotency.as_ref()) {
            return answer;
        }
        if let Some(before) = self.jobs.get(&job.id) {
            return Admission::Created(before.clone());
        }
        let session = self.sessions.get(&job.session);
        if !session.is_some_and(|row| row.accepts(now)) {
            return Admission::SessionGone;
        }
        self.remember(submission.idempotency, now);
        self.results.insert(job.id, result);
        self.put(job.clone());
        Admission::Created(job)
    }

    pub(super) fn job(&self, id: JobId) -> Option<Job> {
        let job = self.jobs.get(&id)?;
        self.visible(job.session).then(|| job.clone())
    }

    pub(super) fn jobs(&self, filter: &JobFilter, after: Option<JobId>, limit: u32) -> Page<Job> {
        let wanted = |job: &Job| {
            filter.owner.as_ref().is_none_or(|of| *of == job.owner)
                && filter.session.is_none_or(|of| of == job.session)
                && filter.state.is_none_or(|of| of == job.state())
                && filter.service.is_none_or(|of| of == job.service())
                && filter.kind.is_none_or(|of| of == job.spec.kind())
                && filter.dataset.as_ref().is_none_or(|of| job.spec.names(of))
                && filter
                    .label
                    .as_ref()
                    .is_none_or(|of| job.labels.matches(of))
                && self.visible(job.session)
                && filter
                    .alive_at
                    .is_none_or(|at| !self.is_over(job.session, at))
        };
        let found = ordered(&self.jobs, filter.order, after).filter(|job| wanted(job));
        page(found.cloned(), limit)
    }

    pub(super) fn result(&self, id: JobId) -> Option<JobResult> {
        let job = self.jobs.get(&id)?;
        if !self.visible(job.session) {
            return None;
        }
        self.results.get(&id).cloned()
    }

    pub(super) fn answer_to(&self, key: &ContentKey) -> Option<JobId> {
        let found = self.results.iter();
        let found = found.filter(|(_, result)| result.content_key.as_ref() == Some(key));
        let visible = found.filter(|(id, _)| self.job(**id).is_some());
        visible.map(|(id, _)| *id).max()
    }

    pub(super) fn cancel(&mut self, id: JobId, now: Timestamp) -> Option<Job> {
        let mut job = self.job(id)?;
        if job.cancel(now, &self.limits).is_ok() {
            self.put(job.clone());
        }
        Some(job)
    }

    pub(super) fn claim(&mut self, order: ClaimOrder, now: Timestamp) -> Vec<Job> {
        let limits = self.limits;
        let limit = usize::try_from(order.limit).unwrap_or(usize::MAX);
        let ready = |job: &&Job| {
            let due = job.lifecycle.not_before.is_none_or(|time| time <= now);
            job.service() == order.service
                && job.state() == State::Queued
                && due
                && !self.waits(job)
        };
        let unfinished = self.unfinished.iter().filter_map(|id| self.jobs.get(id));
        let (suspects, mut others): (Vec<&Job>, Vec<&Job>) = unfinished
            .filter(ready)
            .partition(|job| job.lifecycle.suspect);
        let free = self.free_slots();
        let may_run = |owner: &Owner| free.get(owner).is_none_or(|free| *free > 0);
        let suspect = suspects.into_iter().filter(|_| order.suspect);
        let suspect = suspect.filter(|job| may_run(&job.owner));
        let suspect = suspect.min_by_key(|job| (job.lifecycle.attempt, job.id));
        let mut claimed: Vec<Job> = suspect.into_iter().take(limit).cloned().collect();
        let mut queues: BTreeMap<Owner, VecDeque<Job>> = BTreeMap::new();
        others.sort_by_key(|job| (job.priority, job.id));
        for job in others {
            let queue = queues.entry(job.owner.clone()).or_default();
            queue.push_back(job.clone());
        }
        let left = order.limit - u32::try_from(claimed.len()).unwrap_or(order.limit);
        let mut free = free;
        for job in &claimed {
            if let Some(free) = free.get_mut(&job.owner) {
                *free -= 1;
            }
        }
        let rotation = self.rotations.entry(order.service).or_default();
        let in_turn = in_turn(rotation.claim(left), queues, free);
        rotation.claimed(&in_turn);
        claimed.extend(in_turn.items);
        claimed.retain_mut(|job| job.take(order.holder, order.lease, now, &limits).is_ok());
        for job in &claimed {
            self.put(job.clone());
        }
        claimed
    }

    /// How many more jobs each owner with unfinished ones may run; empty without a bound.
    fn free_slots(&self) -> BTreeMap<Owner, u32> {
        let Some(most) = self.limits.per_owner.running_jobs else {
            return BTreeMap::new();
        };
        let mut free = BTreeMap::new();
        for job in self.unfinished.iter().filter_map(|id| self.jobs.get(id)) {
            let most = u32::try_from(most).unwrap_or(u32::MAX);
            let free: &mut u32 = free.entry(job.owner.clone()).or_insert(most);
            *free = free.saturating_sub(u32::from(job.state() == State::Running));
        }
        free
    }

    pub(super) fn heartbeat(
        &mut self,
        claims: &[(ClaimRef, f64)],
        lease: Duration,
        now: Timestamp,
    ) -> Vec<HeartbeatResult> {
        let limits = self.limits;
        let mut beat = |(claim, progress): &(ClaimRef, f64)| match self.jobs.get_mut(&claim.job) {
            Some(job) => job.heartbeat(*claim, *progress, lease, now, &limits),
            None => HeartbeatResult::Lost,
        };
        claims.iter().map(&mut beat).collect()
    }

    pub(super) fn complete(
        &mut self,
        claim: ClaimRef,
        outcome: Outcome,
        now: Timestamp,
    ) -> WriteResult {
        let mut job = self.held(claim)?;
        job.complete(claim, &outcome, now, &self.limits)?;
        if let (Outcome::Succeeded(result), State::Succeeded) = (outcome, job.state()) {
            self.results.insert(job.id, result);
        }
        self.put(job.clone());
        Ok(job)
    }

    pub(super) fn hand_back(&mut self, claims: &[ClaimRef], now: Timestamp) -> Vec<WriteResult> {
        let give = |claim: &ClaimRef| {
            let mut job = self.held(*claim)?;
            job.hand_back(*claim, now, &self.limits)?;
            self.put(job.clone());
            Ok(job)
        };
        claims.iter().map(give).collect()
    }

    /// Undoes the unconfirmed claims.
    pub(super) fn undo_unconfirmed(&mut self, now: Timestamp) {
        for claim in std::mem::take(&mut self.unconfirmed) {
            if let Ok(mut job) = self.held(claim)
                && job.unclaim(claim, now, &self.limits).is_ok()
            {
                self.put(job);
            }
        }
    }

    /// Expires the running jobs that match `lost`.
    fn expire(&mut self, limit: u32, now: Timestamp, lost: impl Fn(&Job) -> bool) -> Vec<Job> {
        let limits = self.limits;
        let running = self.unfinished.iter().filter_map(|id| self.jobs.get(id));
        let dead = running.filter(|job| job.state() == State::Running && lost(job));
        let mut jobs = page(dead.cloned(), limit).items;
        jobs.retain_mut(|job| job.expire(now, &limits).is_ok());
        for job in &jobs {
            self.put(job.clone());
        }
        jobs
    }

    pub(super) fn expire_leases(
        &mut self,
        in_hand: &[JobId],
        limit: u32,
        now: Timestamp,
    ) -> Vec<Job> {
        self.undo_unconfirmed(now);
        self.expire(limit, now, |job| {
            is_expired(job, now) && !in_hand.contains(&job.id)
        })
    }

    pub(super) fn recover(&mut self, now: Timestamp) -> u64 {
        let shared = self.shared;
        let jobs = self.expire(u32::MAX, now, |job| !shared || is_expired(job, now));
        jobs.len() as u64
    }

    /// Whether the job waits for another to end.
    fn waits(&self, job: &Job) -> bool {
        let awaited = job.spec.depends_on().and_then(|id| self.jobs.get(&id));
        awaited.is_some_and(|awaited| !awaited.state().is_final())
    }

    fn held(&self, claim: ClaimRef) -> Result<Job, Refused> {
        let job = self.jobs.get(&claim.job);
        job.cloned().ok_or(Refused::StaleEpoch)
    }
}

/// Selects the jobs of a claim from these queues.
fn in_turn(
    mut claim: FairClaim<Job>,
    mut queues: BTreeMap<Owner, VecDeque<Job>>,
    mut free: BTreeMap<Owner, u32>,
) -> Claimed<Job> {
    while let Some(round) = claim.next_round() {
        let turns = round.turns(queues.keys().cloned().collect());
        let turns = turns.at_most(|owner| free.get(owner).copied().unwrap_or(u32::MAX));
        let mut found = Vec::new();
        for (owner, share) in &turns.owners {
            let left = turns.limit as usize - found.len();
            let queue = queues.entry(owner.clone()).or_default();
            let some = queue.drain(..left.min(*share as usize).min(queue.len()));
            if let Some(free) = free.get_mut(owner) {
                *free -= u32::try_from(some.len()).unwrap_or(*free);
            }
            found.extend(some.map(|job| (owner.clone(), job)));
        }
        queues.retain(|_, queue| !queue.is_empty());
        claim.took(&turns, found);
    }
    claim.finish()
}

fn is_expired(job: &Job, now: Timestamp) -> bool {
    job.lifecycle.lease.is_some_and(|lease| lease.until <= now)
}
