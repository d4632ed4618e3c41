//! Writes the outcome of an attempt to the store.
//!
//! The write is repeated with a back-off while the lease can still hold. Given up, the row stays
//! `running` and its lease, or the recovery at the next start, takes the job up: late, not lost.

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
/// The first pause after the store has failed; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(20);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Writes an attempt whose task is gone.
pub(super) async fn write_orphan(pool: Arc<Pool>, key: Key, blame: Blame, incarnation: u64) {
    let in_hand = ClaimGuard::new(&pool, key, incarnation);
    // Where even this task dies, the claim is an orphan again: that must not go round at once.
    sleep(ORPHAN_PAUSE).await;
    let error = JobError::transient(
        "worker_lost",
        "the worker that ran the attempt died or hung",
    );
    let finding = match blame {
        Blame::Own => AttemptOutcome::Failed(error),
        Blame::Unknown | Blame::Another => AttemptOutcome::WorkerLost(error),
    };
    // It has made nothing that would have to wait for a place.
    write(&pool, key, finding, &StopHandle::default()).await;
    in_hand.done();
}

/// Writes how an attempt ended, or gives up. `false` where the claim is to be handed back, as what
/// is needed for it is away.
pub(super) async fn write(
    pool: &Pool,
    key: Key,
    finding: AttemptOutcome,
    stop_handle: &StopHandle,
) -> bool {
    let outcome = match finding {
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
            // It was taken from this task.
            Err(Unstored::Stopped) => return true,
        },
    };
    // After a pause of the process the lease is over, and perhaps nobody else has seen that: the
    // time is counted in which this could try.
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

/// Writes the outcome, again and again while the store fails, until it has been tried for `long`
/// and the claim is known to be over.
async fn complete(pool: &Pool, key: Key, outcome: &Outcome, long: &Cell<bool>) {
    let mut failures = 0;
    loop {
        let asked = Instant::now();
        let answer = pool.ports.store.complete(claim_ref(key), outcome.clone());
        let fault = match running_time::timeout(pool.rules.patience, answer).await {
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
            Err(_) => format!("no answer in {:?}", asked.elapsed()),
        };
        if long.get() && !pool.may_hold(key) {
            warn!("job {}: cannot record the outcome: {fault}", key.0);
            return pool.given_up(key);
        }
        failures += 1;
        sleep(backoff(FIRST_PAUSE, LONGEST_PAUSE, failures)).await;
    }
}

impl Pool {
    /// The row says it.
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
            self.queue.look_soon();
        }
        if job.state().is_final() {
            // Before whoever waits for the job hears of it, and looks at the metrics.
            self.ports.observer.ended(&job);
        }
        self.ports.feed.changed(job.id);
        if job.state().is_final() {
            self.wake_dependents();
        }
    }

    /// Whether the claim may still be ours. On a store that nobody else has open it is.
    fn may_hold(&self, key: Key) -> bool {
        !self.rules.shared || self.claims.may_hold(key, self.rules.lease)
    }

    /// The write is not tried again; the row says that the attempt runs.
    pub(super) fn given_up(&self, key: Key) {
        self.counters.lost.inc();
        self.leave(key);
    }

    /// On the way down nobody here will see to this job any more.
    pub(super) fn leave(&self, key: Key) {
        if self.rules.phase.get().is_shutting_down() {
            self.claims.leave(key.0);
        }
    }

    /// The store has refused a write: the claim was lost before.
    pub(super) fn refused(&self, key: Key, refused: Refused) {
        Scope::about(key.0).enter(|| {
            warn!("job {}: stale write rejected: {refused}", key.0);
        });
        self.counters.lost.inc();
        self.counters.refused.inc();
    }

    /// The row is no longer ours, or our write went through while its answer was lost.
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
                location: ResultLocation::Blob(announced),
                ..
            })) if announced == *blob => self.written_before(key, refused).await,
            Ok(_) => {
                self.refused(key, refused);
                // Left behind, it would still be removed with its session.
                if let Err(fault) = self.ports.blobs.delete(blob).await {
                    warn!("job {}: cannot remove a stale result: {fault}", key.0);
                }
            }
            // Whether it is the announced one is not known, so the blob stays.
            Err(_) => self.refused(key, refused),
        }
    }

    /// A write that was answered by a fault has gone through all the same, if the row still has
    /// its epoch.
    async fn written_before(&self, key: Key, refused: Refused) {
        match self.ports.store.job(key.0).await {
            Ok(Some(job)) if job.lifecycle.epoch == key.1 => self.written(key, job),
            _ => self.refused(key, refused),
        }
    }
}
