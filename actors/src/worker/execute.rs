//! Runs one attempt at a job, bounded by its stop handle and its timeout, isolated from other
//! jobs.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;

use futures_util::FutureExt;
use lastcall_domain::trace::{self, Span};
use lastcall_domain::{JobError, Output, Task, running_time};
use log::{error, warn};
use tokio::time::Instant;

use super::Pool;
use super::claim::Key;
use super::claim_guard::ClaimGuard;
use super::complete::write;
use super::outage::{After, Outages};
use super::outcome::{AttemptOutcome, describe_interruption};
use super::slot::Slot;
use super::stop::{StopHandle, StopReason};
use crate::panic::panic_message;

/// How the work ended, as far as the work goes.
enum Ended {
    Done(Result<Output, JobError>),
    Panicked,
    /// It did not stop when told to. It was dropped; what it left on other threads is unknown.
    Ignored,
    /// It was told to stop before it began.
    NotBegun,
}

/// Runs an attempt and writes how it ended. The slot is free as soon as the work is done: the
/// writing is bounded by [`WriteLimiter`](super::write_limiter::WriteLimiter), not by the slots.
pub(super) async fn attempt(
    pool: Arc<Pool>,
    key: Key,
    task: Task,
    stop_handle: StopHandle,
    slot: Slot,
    span: Span,
) {
    let in_hand = ClaimGuard::new(&pool, key, slot.incarnation());
    let Some(ended) = outlast(&pool, task, &stop_handle).await else {
        describe_interruption(&span, Some(StopReason::HandedBack));
        in_hand.interrupted();
        slot.next();
        return;
    };
    let Some(finding) = pool.find(ended, stop_handle.why()).await else {
        describe_interruption(&span, stop_handle.why());
        in_hand.done();
        slot.next();
        return;
    };
    finding.describe(&span);
    let arbiter = slot.arbiter();
    let pass = arbiter.writes.admit(&finding).await;
    let ours = pool.claims.begin_write(key);
    slot.next();
    if ours {
        let writing = trace::child("write result");
        let written = writing.run(write(&pool, key, finding, &stop_handle)).await;
        drop(writing);
        if !written {
            drop(pass);
            return in_hand.interrupted();
        }
    } else {
        finding.discard().await;
    }
    drop(pass);
    in_hand.done();
}

/// Runs the work, again after each outage of a part that it depends on. `None` where the claim is
/// to be handed back for an outage.
async fn outlast(pool: &Pool, task: Task, stop_handle: &StopHandle) -> Option<Ended> {
    let mut outages = Outages::new(pool);
    loop {
        let begun = Instant::now();
        let ended = run(pool, task.clone(), stop_handle).await;
        pool.counters.busy(begun.elapsed());
        if stop_handle.why() == Some(StopReason::TimedOut)
            && pool.rules.breakers.opened_since(begun)
            && !matches!(ended, Ended::Panicked)
        {
            // It may have waited for the part, or for others who waited.
            if let Ended::Done(Ok(output)) = ended {
                AttemptOutcome::Made(output).discard().await;
            }
            return None;
        }
        let Ended::Done(Err(error)) = &ended else {
            pool.estimate.record(begun.elapsed());
            return Some(ended);
        };
        let (Some(dependency), None) = (error.unavailable, stop_handle.why()) else {
            pool.estimate.record(begun.elapsed());
            return Some(ended);
        };
        outages.may_be_own |= error.is_want_of_room();
        let after = outages.outlast(pool, stop_handle, dependency, &error.message);
        match after.await {
            After::Retry => {}
            After::HandBack => return None,
            After::Blame | After::Stop => return Some(ended),
        }
    }
}

async fn run(pool: &Pool, task: Task, stop_handle: &StopHandle) -> Ended {
    if stop_handle.why().is_some() {
        return Ended::NotBegun;
    }
    let job = task.job.id;
    let work = async { pool.ports.work.run(task).await };
    let mut work = pin!(AssertUnwindSafe(work).catch_unwind());
    let end = |answer: Result<_, Box<dyn Any + Send>>| match answer {
        Ok(answer) => Ended::Done(answer),
        Err(panic) => {
            error!("job {job}: the work panicked: {}", panic_message(&*panic));
            Ended::Panicked
        }
    };
    tokio::select! {
        biased;
        answer = &mut work => return end(answer),
        () = stop_handle.cancel().cancelled() => {}
        () = running_time::sleep(pool.config.timeout) => stop_handle.stop(StopReason::TimedOut),
    }
    match running_time::timeout(pool.config.cancel_grace, work).await {
        Ok(answer) => end(answer),
        Err(_) => {
            warn!("job {job}: the work does not stop; its slot is released");
            pool.counters.ignored_cancel.inc();
            if pool.rules.phase.get().is_shutting_down() {
                pool.claims.ignored(job);
            }
            Ended::Ignored
        }
    }
}

impl Pool {
    /// What is to be written of an attempt; `None` where its row is not this attempt's to write.
    async fn find(&self, ended: Ended, why: Option<StopReason>) -> Option<AttemptOutcome> {
        if matches!(ended, Ended::Panicked) {
            self.counters.panicked.inc();
        }
        let Some(why) = why else {
            return Some(match ended {
                Ended::Done(Ok(output)) => AttemptOutcome::Made(output),
                Ended::Done(Err(error)) => AttemptOutcome::Failed(error),
                Ended::Panicked => AttemptOutcome::Failed(JobError::transient(
                    "panicked",
                    "the attempt ended by a fault of the service; it is in the operator's log",
                )),
                // Neither comes without a reason to stop.
                Ended::Ignored | Ended::NotBegun => AttemptOutcome::Cancelled,
            });
        };
        if let Ended::Done(Ok(output)) = ended {
            AttemptOutcome::Made(output).discard().await;
        }
        match why {
            StopReason::Cancelled => Some(AttemptOutcome::Cancelled),
            StopReason::TimedOut => {
                self.counters.timed_out.inc();
                let limit = self.config.timeout;
                Some(AttemptOutcome::Failed(JobError::transient(
                    "timeout",
                    format!("the attempt took longer than {limit:?}"),
                )))
            }
            StopReason::HandedBack | StopReason::Lost => None,
        }
    }
}
