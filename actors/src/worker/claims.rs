//! What a pool holds: slots, claims, and requested profiles. One lock guards all of it and is
//! never held across an await.

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
    /// The arbiter whose slots these are; slots of earlier ones are no longer counted.
    arbiter: Arc<ArbiterState>,
    busy: usize,
    /// The claim that is being asked for.
    fetch: Option<Fetch>,
    tickets: u64,
    /// When a slot was last given something to do.
    given: Option<Instant>,
    asks: VecDeque<ProfileRequest>,
    asks_running: BTreeMap<u64, (Cancel, Permit)>,
    next_ask: u64,
    claims: BTreeMap<Key, Claim>,
    /// Some of the claims are orphans: the dispatcher asks at every turn.
    orphans: bool,
    /// The claims that wait for a slot, oldest first.
    ahead: VecDeque<Key>,
    /// Jobs that this process leaves to their leases, though nothing of them is in hand.
    left: Vec<JobId>,
    /// Jobs whose work did not stop when told to, while the process shuts down.
    unstopped: Vec<JobId>,
}

/// What is not finished, for the report of a shutdown.
#[derive(Debug, Default)]
pub(crate) struct Unfinished {
    /// Jobs whose rows still say that they run here.
    pub(crate) left: Vec<JobId>,
    /// Jobs whose rows are written, and whose work runs on.
    pub(crate) unstopped: Vec<JobId>,
}

/// What is kept for a claim that is being asked for. Not with whoever asks: that may hang.
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
        ask: ProfileRequest,
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
                given: None,
                asks: VecDeque::new(),
                asks_running: BTreeMap::new(),
                next_ask: 0,
                claims: BTreeMap::new(),
                orphans: false,
                ahead: VecDeque::new(),
                left: Vec::new(),
                unstopped: Vec::new(),
            }),
        }
    }

    /// The arbiter which has the slots.
    pub(crate) fn arbiter(&self) -> Arc<ArbiterState> {
        Arc::clone(&self.lock().arbiter)
    }

    /// The incarnation that began to use that arbiter.
    pub(crate) fn incarnation(&self) -> u64 {
        self.lock().arbiter.incarnation
    }

    /// Takes a free slot and what it is to do; `None` where there is no slot, no work, or the
    /// incarnation is not the one that owns the slots.
    pub(crate) fn start_next(&self, incarnation: u64, workers: usize) -> Option<Next> {
        let state = &mut *self.lock();
        if state.arbiter.incarnation != incarnation || state.busy >= workers {
            return None;
        }
        let next = state.next_ask().or_else(|| state.next_attempt())?;
        state.busy += 1;
        state.given = Some(Instant::now());
        Some(next)
    }

    /// Gives a slot back; one of an incarnation that was given up is no longer counted.
    pub(crate) fn release(&self, incarnation: u64) {
        let state = &mut *self.lock();
        if state.arbiter.incarnation == incarnation {
            state.busy = state.busy.saturating_sub(1);
        }
    }

    /// How many claims there is room for: free slots, and `ahead` beyond them. Zero while more
    /// than half of those are still waiting, so that claims come in bunches.
    ///
    /// None are claimed ahead while no slot has become free for [`AHEAD`]: the work in hand is
    /// longer than what `ahead` was reckoned from. Jobs that were given back because they waited
    /// behind it would else be claimed again at once, an interruption each time.
    pub(crate) fn room(&self, workers: usize, ahead: usize) -> usize {
        let state = self.lock();
        let waiting = state.ahead.len() + state.asks.len();
        let free = workers.saturating_sub(state.busy);
        let moves = state.given.is_some_and(|given| given.elapsed() < AHEAD);
        let ahead = if free > 0 || moves { ahead } else { 0 };
        let room = (free + ahead).saturating_sub(waiting);
        if waiting > free + ahead / 2 { 0 } else { room }
    }

    /// Keeps what a claim needs that is now asked for.
    pub(crate) fn begin_fetch(&self, number: u64, permits: Vec<Permit>, turn: Option<SuspectTurn>) {
        let fetch = Fetch {
            number,
            permits,
            turn,
        };
        self.lock().fetch = Some(fetch);
    }

    /// That claim is no longer asked for.
    pub(crate) fn end_fetch(&self, number: u64) {
        let ended = self.lock().fetch.take_if(|fetch| fetch.number == number);
        drop(ended);
    }

    /// Puts claims in hand. Where they came for an arbiter that was given up, what was kept for
    /// them is gone: then `late` gives their permits.
    pub(crate) fn claimed(
        &self,
        number: u64,
        jobs: Vec<Job>,
        asked: Instant,
        late: impl Fn() -> Option<Permit>,
    ) {
        let state = &mut *self.lock();
        let kept = state.fetch.take_if(|fetch| fetch.number == number);
        let (mut permits, mut turn) = match kept {
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
                .insert(key, Claim::new(job, permit, turn, asked));
            state.ahead.push_back(key);
        }
    }

    /// The attempt has ended and is to be written. `false` where the row is no longer ours, or is
    /// being handed back.
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

    /// What a line of the log about the claim says of it.
    pub(crate) fn scope(&self, key: Key) -> Scope {
        match self.lock().claims.get(&key) {
            Some(claim) => Scope::of(&claim.job),
            None => Scope::about(key.0),
        }
    }

    /// The attempt's task is done with the claim. It stays in hand where its row is the
    /// hand-back's to write.
    pub(crate) fn finish(&self, key: Key, incarnation: u64) {
        let state = &mut *self.lock();
        let Some(claim) = state.claims.get_mut(&key) else {
            return;
        };
        // Where it was taken from this task, whose arbiter was given up, it has another by now.
        if claim.incarnation == incarnation && claim.state.apply(Event::Finish) == Effect::Gone {
            state.claims.remove(&key);
        }
    }

    /// Stops the attempt at this job, for its caller.
    pub(crate) fn cancel(&self, job: JobId) {
        let state = self.lock();
        for claim in state.of(job) {
            claim.stop_handle.stop(StopReason::Cancelled);
        }
    }

    /// Whether the job is in hand.
    pub(crate) fn holds(&self, job: JobId) -> bool {
        self.lock().of(job).next().is_some()
    }

    /// Stops the profiles that are being made for reports, and forgets those that wait.
    pub(crate) fn stop_asks(&self) {
        let waiting = {
            let state = &mut *self.lock();
            for (cancel, _) in state.asks_running.values() {
                cancel.cancel();
            }
            std::mem::take(&mut state.asks)
        };
        // Dropped outside the lock: whoever waits for an answer is woken by it.
        drop(waiting);
    }

    /// A report asks for a profile.
    pub(crate) fn ask(&self, ask: ProfileRequest) {
        self.lock().asks.push_back(ask);
    }

    /// The profile has been made, or not.
    pub(crate) fn answered(&self, id: u64) {
        self.lock().asks_running.remove(&id);
    }

    /// The shutdown is to name this job among those that were not finished.
    pub(crate) fn leave(&self, job: JobId) {
        self.lock().left.push(job);
    }

    /// The shutdown is to name this job among those whose work did not stop.
    pub(crate) fn ignored(&self, job: JobId) {
        self.lock().unstopped.push(job);
    }

    /// The jobs whose claims are in hand, as far as is known.
    pub(crate) fn held(&self) -> Vec<JobId> {
        let state = self.lock();
        let held = state
            .claims
            .iter()
            .filter(|(_, claim)| claim.state.needs_lease());
        held.map(|((job, _), _)| *job).collect()
    }

    /// What is not finished, and `figures` as of the same moment: no job is in both.
    pub(crate) fn account<F>(&self, figures: impl FnOnce() -> F) -> (Unfinished, F) {
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
        // One that did not stop and whose row could not be written either is left.
        unstopped.retain(|job| !left.contains(job));
        (Unfinished { left, unstopped }, figures())
    }

    /// How many claims are in hand.
    pub(crate) fn in_hand(&self) -> usize {
        self.lock().claims.len()
    }

    /// Taken slots, claims that wait for one, and profiles being made.
    pub(crate) fn occupancy(&self) -> (usize, usize, usize) {
        let state = self.lock();
        (state.busy, state.ahead.len(), state.asks_running.len())
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

    fn next_ask(&mut self) -> Option<Next> {
        let mut ask = self.asks.pop_front()?;
        let ticket = self.ticket();
        let id = self.next_ask;
        self.next_ask += 1;
        if let Some(permit) = ask.permit.take() {
            self.asks_running.insert(id, (ask.cancel.clone(), permit));
        }
        Some(Next::ProfileRequest { id, ask, ticket })
    }

    fn next_attempt(&mut self) -> Option<Next> {
        let key = self.ahead.pop_front()?;
        let ticket = self.ticket();
        // What leaves the claims leaves the queue of those that wait, too.
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
