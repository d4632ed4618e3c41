//! Writes the outcome of an attempt to the store.
//!
//! The write is retried with a back-off while the lease may still be valid. If it is given up, the
//! row stays `running` and its lease, or the recovery at the next start, requeues the job: late,
//! not lost.

use std::cell::Cell;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use lastcall_domain::store::{JobResult, Outcome, ResultLocation};
use lastcall_domain::trace::Scope;
use lastcall_domain::{Job, JobError, Refused, State, running_time};
use log::{error, warn};
use tokio::time::{Instant, sleep};

use super::Pool;
use super::claim::{Key, claim_ref};
use super::claim_guard::ClaimGuard;
use super::claim_state::Blame;
use super::outcome::AttemptOutcome;
use super::results::{Unstored, store_result};
use super::stop::{StopHandle, StopReason};
use crate::backoff::backoff;

/// The pause before an orphan is written.
const ORPHAN_PAUSE: Duration = Duration::from_millis(50);
/// The first pause after a failure of the store; doubled up to [`MAX_PAUSE`].
const MIN_PAUSE: Duration = Duration::from_millis(20);
/// The longest pause.
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// Writes the outcome of an attempt whose task was lost.
pub(super) async fn write_orphan(pool: Arc<Pool>, key: Key, blame: Blame, incarnation: u64) {
    let in_hand = ClaimGuard::new(&pool, key, incarnation);
    // If even this task is lost, the claim is an orphan again: the pause keeps that from spinning.
    sleep(ORPHAN_PAUSE).await;
    let error = JobError::transient(
        "worker_lost",
        "the worker that ran the attempt died or hung",
    );
    let outcome = match blame {
        Blame::Own => AttemptOutcome::Failed(error),
        Blame::Unknown | Blame::Another => AttemptOutcome::WorkerLost(error),
    };
    // It has no output that would have to wait for room.
    write(&pool, key, outcome, &StopHandle::default()).await;
    in_hand.done();
}

/// Writes the outcome of an attempt, or gives up. Returns `false` if the claim must be handed back,
/// because a dependency is unavailable.
pub(super) async fn write(
    pool: &Pool,
    key: Key,
    outcome: AttemptOutcome,
    stop_handle: &StopHandle,
) -> bool {
    let outcome = match outcome {
        AttemptOutcome::Failed(error) => Outcome::Failed(error),
        AttemptOutcome::WorkerLost(error) => Outcome::WorkerLost(error),
        AttemptOutcome::Cancelled => Outcome::Cancelled,
        AttemptOutcome::Made(output) => match store_result(pool, key, output, stop_handle).await {
            Ok(result) => Outcome::Succeeded(result),
            Err(Unstored::Failed(error)) => Outcome::Failed(error),
            Err(Unstored::Outage) => return false,
            Err(Unstored::Stopped) if stop_handle.why() == Some(StopReason::Cancelled) => {
                Outcome::Cancelled
            }
            // The claim was taken from this task.
            Err(Unstored::Stopped) => return true,
        },
    };
    // After a pause of the process the lease has expired, though perhaps nobody has noticed: only
    // the time during which this task could try counts.
    let long = Cell::new(false);
    let count = async {
        running_time::sleep(pool.rules.lease).await;
        long.set(true);
        pending().await
    };
    tokio::select! {
        biased;
        () = complete(pool, key, &outcome, &long) => {}
        () = count => {}
    }
    true
}

/// Writes the outcome, retrying while the store fails, until it has tried for `long` and the claim
/// is known to have ended.
async fn complete(pool: &Pool, key: Key, outcome: &Outcome, long: &Cell<bool>) {
    let mut failures = 0;
    loop {
        let started = Instant::now();
        let answer = pool.ports.store.complete(claim_ref(key), outcome.clone());
        let fault = match running_time::timeout(pool.rules.store_timeout, answer).await {
            Ok(Ok(Ok(job))) => return pool.written(key, job),
            Ok(Ok(Err(refused))) => {
                return pool.not_ours(key, refused, outcome, failures > 0).await;
            }
            Ok(Err(fault)) if !fault.retryable() => {
                error!("job {}: cannot record the outcome: {fault}", key.0);
                return pool.given_up(key);
            }
            Ok(Err(fault)) => {
                if let Some(dependency) = fault.dependency() {
                    pool.rules.breakers.open(dependency, &fault.to_string());
                }
                fault.to_string()
            }
            Err(_) => format!("no answer in {:?}", started.elapsed()),
        };
        if long.get() && !pool.may_hold(key) {
            warn!("job {}: cannot record the outcome: {fault}", key.0);
            return pool.given_up(key);
        }
        failures += 1;
        sleep(backoff(MIN_PAUSE, MAX_PAUSE, failures)).await;
    }
}

impl Pool {
    /// The outcome is in the row.
    pub(super) fn written(&self, key: Key, job: Job) {
        Scope::current().set("lastcall.job.state", || job.state().as_str());
        let counter = match job.state() {
            State::Succeeded => &self.counters.succeeded,
            State::Failed => &self.counters.failed,
            State::Cancelled => &self.counters.cancelled,
            State::Queued | State::Running => &self.counters.retried,
        };
        self.claims.settle_with(key, || counter.inc());
        if !job.state().is_final() {
            self.claimable_at(&job);
        }
        if self.owners_are_bounded.load(Ordering::Relaxed) {
            self.fetch_schedule.fetch_soon();
        }
        if job.state().is_final() {
            // Before the waiters of the job are notified and read the metrics.
            self.ports.observer.ended(&job);
        }
        self.ports.feed.changed(job.id);
        if job.state().is_final() {
            self.wake_dependents();
        }
    }

    /// Whether the claim may still be ours. It is if no other process has the store open.
    fn may_hold(&self, key: Key) -> bool {
        !self.rules.shared || self.claims.may_hold(key, self.rules.lease)
    }

    /// The write is given up; the row still says `running`.
    pub(super) fn given_up(&self, key: Key) {
        self.counters.lost.inc();
        self.leave(key);
    }

    /// During a shutdown, nobody here will finish this job.
    pub(super) fn leave(&self, key: Key) {
        if self.rules.phase.get().is_shutting_down() {
            self.claims.leave(key.0);
        }
    }

    /// The store has rejected a write: the claim was already lost.
    pub(super) fn refused(&self, key: Key, refused: Refused) {
        Scope::about(key.0).enter(|| {
            warn!("job {}: stale write rejected: {refused}", key.0);
        });
        self.counters.lost.inc();
        self.counters.refused.inc();
    }

    /// The row is no longer ours, or an earlier write succeeded and its response was lost.
    async fn not_ours(&self, key: Key, refused: Refused, outcome: &Outcome, repeated: bool) {
        let Outcome::Succeeded(JobResult {
            location: ResultLocation::Blob(blob),
            ..
        }) = outcome
        else {
            if repeated && refused == Refused::Ended {
                return self.written_before(key, refused).await;
            }
            return self.refused(key, refused);
        };
        match self.ports.store.result(key.0).await {
            Ok(Some(JobResult {
                location: ResultLocation::Blob(recorded),
                ..
            })) if recorded == *blob => self.written_before(key, refused).await,
            Ok(_) => {
                self.refused(key, refused);
                // If this fails, it is removed with its session.
                if let Err(fault) = self.ports.blobs.delete(blob).await {
                    warn!("job {}: cannot remove a stale result: {fault}", key.0);
                }
            }
            // It may be the recorded one, so the blob stays.
            Err(_) => self.refused(key, refused),
        }
    }

    /// A write that returned an error has succeeded after all if the row still has its epoch.
    async fn written_before(&self, key: Key, refused: Refused) {
        match self.ports.store.job(key.0).await {
            Ok(Some(job)) if job.lifecycle.epoch == key.1 => self.written(key, job),
            _ => self.refused(key, refused),
        }
    }
}
