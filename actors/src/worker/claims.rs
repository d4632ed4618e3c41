//! The slots, claims and requested profiles of a pool. One lock guards them all and is never held
//! across an await.

mod losing;
mod renewal;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lastcall_domain::trace::Scope;
use lastcall_domain::{Cancel, Job, JobId, SessionId, Task};
use tokio::time::Instant;

use super::arbiter::{ArbiterState, Ticket};
use super::claim::{Claim, Key, key};
use super::claim_state::{Effect, Event};
use super::estimate::AHEAD;
use super::profile_request::ProfileRequest;
use super::stop::{StopHandle, StopReason};
use super::suspects::SuspectTurn;
use crate::gate::Permit;

#[derive(Debug)]
pub(crate) struct Claims {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The arbiter that the slots belong to; slots of earlier ones no longer count.
    arbiter: Arc<ArbiterState>,
    busy: usize,
    /// The fetch that is under way.
    fetch: Option<Fetch>,
    tickets: u64,
    /// When a slot last started something.
    last_start: Option<Instant>,
    profile_requests: VecDeque<ProfileRequest>,
    profiles_running: BTreeMap<u64, (Cancel, Permit)>,
    next_profile_id: u64,
    claims: BTreeMap<Key, Claim>,
    /// Whether some claims are orphans, which the dispatcher then adopts.
    orphans: bool,
    /// The claims that wait for a slot, oldest first.
    ahead: VecDeque<Key>,
    /// Jobs that this process leaves to their leases without holding their claims.
    left: Vec<JobId>,
    /// Jobs whose work did not stop when cancelled during the shutdown.
    unstopped: Vec<JobId>,
}

/// What is not finished, for the report of a shutdown.
#[derive(Debug, Default)]
pub(crate) struct Unfinished {
    /// Jobs whose rows still say that they run here.
    pub(crate) left: Vec<JobId>,
    /// Jobs whose rows are written, but whose work still runs.
    pub(crate) unstopped: Vec<JobId>,
}

/// What a fetch holds until it completes. Kept here because its task may hang.
#[derive(Debug)]
struct Fetch {
    number: u64,
    permits: Vec<Permit>,
    turn: Option<SuspectTurn>,
}

/// What a slot is to do next.
pub(crate) enum Next {
    /// An attempt at a job.
    Attempt {
        key: Key,
        task: Box<Task>,
        stop_handle: StopHandle,
        ticket: Ticket,
    },
    /// A profile for a report.
    ProfileRequest {
        id: u64,
        request: ProfileRequest,
        ticket: Ticket,
    },
}

impl Claims {
    pub(crate) fn new() -> Self {
        Self {
            state: Mutex::new(State {
                arbiter: Arc::new(ArbiterState::new(0)),
                busy: 0,
                fetch: None,
                tickets: 0,
                last_start: None,
                profile_requests: VecDeque::new(),
                profiles_running: BTreeMap::new(),
                next_profile_id: 0,
                claims: BTreeMap::new(),
                orphans: false,
                ahead: VecDeque::new(),
                left: Vec::new(),
                unstopped: Vec::new(),
            }),
        }
    }

    /// The arbiter that has the slots.
    pub(crate) fn arbiter(&self) -> Arc<ArbiterState> {
        Arc::clone(&self.lock().arbiter)
    }

    /// The incarnation that started that arbiter.
    pub(crate) fn incarnation(&self) -> u64 {
        self.lock().arbiter.incarnation
    }

    /// Takes a free slot and its next work; `None` if there is no slot, no work, or the incarnation
    /// does not own the slots.
    pub(crate) fn start_next(&self, incarnation: u64, workers: usize) -> Option<Next> {
        let state = &mut *self.lock();
        if state.arbiter.incarnation != incarnation || state.busy >= workers {
            return None;
        }
        let next = state.next_profile().or_else(|| state.next_attempt())?;
        state.busy += 1;
        state.last_start = Some(Instant::now());
        Some(next)
    }

    /// Returns a slot; one of an abandoned incarnation no longer counts.
    pub(crate) fn release(&self, incarnation: u64) {
        let state = &mut *self.lock();
        if state.arbiter.incarnation == incarnation {
            state.busy = state.busy.saturating_sub(1);
        }
    }

    /// How many claims there is room for: free slots, and `ahead` beyond them. Zero while more than
    /// half of those are still waiting, so that claims come in batches.
    ///
    /// None are claimed ahead while no slot has become free for [`AHEAD`]: the running work is
    /// longer than the estimate behind `ahead`. Otherwise jobs that were handed back because they
    /// waited behind it would be claimed again at once, an interruption each time.
    pub(crate) fn room(&self, workers: usize, ahead: usize) -> usize {
        let state = self.lock();
        let waiting = state.ahead.len() + state.profile_requests.len();
        let free = workers.saturating_sub(state.busy);
        let is_moving = state
            .last_start
            .is_some_and(|last_start| last_start.elapsed() < AHEAD);
        let ahead = if free > 0 || is_moving { ahead } else { 0 };
        let room = (free + ahead).saturating_sub(waiting);
        if waiting > free + ahead / 2 { 0 } else { room }
    }

    /// Stores the permits of a fetch that begins.
    pub(crate) fn begin_fetch(&self, number: u64, permits: Vec<Permit>, turn: Option<SuspectTurn>) {
        let fetch = Fetch {
            number,
            permits,
            turn,
        };
        self.lock().fetch = Some(fetch);
    }

    /// Ends a fetch.
    pub(crate) fn end_fetch(&self, number: u64) {
        let ended = self.lock().fetch.take_if(|fetch| fetch.number == number);
        drop(ended);
    }

    /// Adds fetched claims. If their arbiter has been abandoned, their permits are gone; then
    /// `late` supplies them.
    pub(crate) fn claimed(
        &self,
        number: u64,
        jobs: Vec<Job>,
        requested_at: Instant,
        late: impl Fn() -> Option<Permit>,
    ) {
        let state = &mut *self.lock();
        let fetch = state.fetch.take_if(|fetch| fetch.number == number);
        let (mut permits, mut turn) = match fetch {
            Some(fetch) => (fetch.permits, fetch.turn),
            None => (Vec::new(), None),
        };
        for job in jobs {
            let key = key(job.claim());
            let permit = permits.pop().or_else(&late);
            let turn = turn.take_if(|_| job.lifecycle.suspect);
            let turn = turn.map(SuspectTurn::used);
            state
                .claims
                .insert(key, Claim::new(job, permit, turn, requested_at));
            state.ahead.push_back(key);
        }
    }

    /// Begins to write an attempt that has ended. Returns `false` if the row is no longer ours, or
    /// is being handed back.
    pub(crate) fn begin_write(&self, key: Key) -> bool {
        let state = &mut *self.lock();
        let claim = state.claims.get_mut(&key);
        claim.is_some_and(|claim| claim.state.apply(Event::BeginWrite) == Effect::Changed)
    }

    /// Whether the lease of a claim may still hold.
    pub(crate) fn may_hold(&self, key: Key, lease: Duration) -> bool {
        let state = self.lock();
        let claim = state.claims.get(&key);
        claim
            .is_some_and(|claim| claim.state.is_being_written() && claim.renewed.elapsed() <= lease)
    }

    /// The session of a claim's job.
    pub(crate) fn session(&self, key: Key) -> Option<SessionId> {
        self.lock().claims.get(&key).map(|claim| claim.job.session)
    }

    /// The scope of log lines about the claim.
    pub(crate) fn scope(&self, key: Key) -> Scope {
        match self.lock().claims.get(&key) {
            Some(claim) => Scope::of(&claim.job),
            None => Scope::about(key.0),
        }
    }

    /// The attempt's task is done with the claim, which stays held if its row is left to a
    /// hand-back.
    pub(crate) fn finish(&self, key: Key, incarnation: u64) {
        let state = &mut *self.lock();
        let Some(claim) = state.claims.get_mut(&key) else {
            return;
        };
        // If it was taken from this task, because its arbiter was abandoned, it has another task by
        // now.
        if claim.incarnation == incarnation && claim.state.apply(Event::Finish) == Effect::Gone {
            state.claims.remove(&key);
        }
    }

    /// Stops the attempt at this job, because its caller cancelled it.
    pub(crate) fn cancel(&self, job: JobId) {
        let state = self.lock();
        for claim in state.of(job) {
            claim.stop_handle.stop(StopReason::Cancelled);
        }
    }

    /// Whether a claim of the job is held.
    pub(crate) fn holds(&self, job: JobId) -> bool {
        self.lock().of(job).next().is_some()
    }

    /// Cancels the running profiles of reports, and drops those that wait.
    pub(crate) fn cancel_profile_requests(&self) {
        let waiting = {
            let state = &mut *self.lock();
            for (cancel, _) in state.profiles_running.values() {
                cancel.cancel();
            }
            std::mem::take(&mut state.profile_requests)
        };
        // Dropped outside the lock, because dropping wakes those who wait for a reply.
        drop(waiting);
    }

    /// Queues a requested profile.
    pub(crate) fn request_profile(&self, request: ProfileRequest) {
        self.lock().profile_requests.push_back(request);
    }

    /// The profile is done, or failed.
    pub(crate) fn profile_finished(&self, id: u64) {
        self.lock().profiles_running.remove(&id);
    }

    /// Records a job that the shutdown reports as not finished.
    pub(crate) fn leave(&self, job: JobId) {
        self.lock().left.push(job);
    }

    /// Records a job that the shutdown reports as not stopped.
    pub(crate) fn ignored(&self, job: JobId) {
        self.lock().unstopped.push(job);
    }

    /// The jobs whose claims are held, as far as is known.
    pub(crate) fn held(&self) -> Vec<JobId> {
        let state = self.lock();
        let held = state
            .claims
            .iter()
            .filter(|(_, claim)| claim.state.needs_lease());
        held.map(|((job, _), _)| *job).collect()
    }

    /// What is not finished, and `counters` as of the same moment: no job is in both.
    pub(crate) fn with_unfinished<F>(&self, counters: impl FnOnce() -> F) -> (Unfinished, F) {
        let state = self.lock();
        let (mut left, mut unstopped) = (state.left.clone(), state.unstopped.clone());
        for ((job, _), claim) in &state.claims {
            if claim.state.is_ours() {
                left.push(*job);
            } else if claim.state.runs() {
                unstopped.push(*job);
            }
        }
        for jobs in [&mut left, &mut unstopped] {
            jobs.sort_unstable();
            jobs.dedup();
        }
        // A job that did not stop and whose row could not be written counts as left.
        unstopped.retain(|job| !left.contains(job));
        (Unfinished { left, unstopped }, counters())
    }

    /// How many claims are held.
    pub(crate) fn in_hand(&self) -> usize {
        self.lock().claims.len()
    }

    /// Busy slots, claims that wait for one, and running profiles.
    pub(crate) fn occupancy(&self) -> (usize, usize, usize) {
        let state = self.lock();
        (state.busy, state.ahead.len(), state.profiles_running.len())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn ticket(&mut self) -> Ticket {
        self.tickets += 1;
        Ticket(self.tickets)
    }

    fn next_profile(&mut self) -> Option<Next> {
        let mut request = self.profile_requests.pop_front()?;
        let ticket = self.ticket();
        let id = self.next_profile_id;
        self.next_profile_id += 1;
        if let Some(permit) = request.permit.take() {
            self.profiles_running
                .insert(id, (request.cancel.clone(), permit));
        }
        Some(Next::ProfileRequest {
            id,
            request,
            ticket,
        })
    }

    fn next_attempt(&mut self) -> Option<Next> {
        let key = self.ahead.pop_front()?;
        let ticket = self.ticket();
        // Claims leave this queue and the map together.
        let claim = self.claims.get_mut(&key)?;
        claim.state.apply(Event::Start);
        claim.incarnation = self.arbiter.incarnation;
        claim.ticket = Some(ticket);
        claim.since = Instant::now();
        let task = Box::new(Task {
            job: claim.job.clone(),
            cancel: claim.stop_handle.cancel().clone(),
            progress: claim.progress.clone(),
        });
        let stop_handle = claim.stop_handle.clone();
        Some(Next::Attempt {
            key,
            task,
            stop_handle,
            ticket,
        })
    }

    fn of(&self, job: JobId) -> impl Iterator<Item = &Claim> {
        let claims = self.claims.range((job, 0)..=(job, u64::MAX));
        claims.map(|(_, claim)| claim)
    }
}
