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
use super::outage::{AfterOutage, Outages};
use super::outcome::{AttemptOutcome, describe_interruption};
use super::slot::Slot;
use super::stop::{StopHandle, StopReason};
use crate::panic::{outage_of, panic_message};

/// How the work itself ended.
enum WorkEnd {
    Done(Result<Output, JobError>),
    Panicked,
    /// It did not stop when cancelled. It was dropped; what it left on other threads is unknown.
    Ignored,
    /// It was cancelled before it began.
    NotBegun,
}

/// Runs an attempt and writes its outcome. The slot is free as soon as the work is done: the write
/// is bounded by [`WriteLimiter`](super::write_limiter::WriteLimiter), not by the slots.
pub(super) async fn attempt(
    pool: Arc<Pool>,
    key: Key,
    task: Task,
    stop_handle: StopHandle,
    slot: Slot,
    span: Span,
) {
    let guard = ClaimGuard::new(&pool, key, slot.incarnation());
    let Some(ended) = run_through_outages(&pool, task, &stop_handle).await else {
        describe_interruption(&span, Some(StopReason::HandedBack));
        guard.interrupted();
        slot.next();
        return;
    };
    let Some(outcome) = pool.classify(ended, stop_handle.why()).await else {
        describe_interruption(&span, stop_handle.why());
        guard.done();
        slot.next();
        return;
    };
    outcome.describe(&span);
    let arbiter = slot.arbiter();
    let permit = arbiter.writes.admit(&outcome).await;
    let ours = pool.claims.begin_write(key);
    slot.next();
    if ours {
        let writing = trace::child("write result");
        let written = writing.run(write(&pool, key, outcome, &stop_handle)).await;
        drop(writing);
        if !written {
            drop(permit);
            return guard.interrupted();
        }
    } else {
        outcome.discard().await;
    }
    drop(permit);
    guard.done();
}

/// Runs the work, again after each outage of a dependency. Returns `None` if the claim must be
/// handed back because of an outage.
async fn run_through_outages(pool: &Pool, task: Task, stop_handle: &StopHandle) -> Option<WorkEnd> {
    let mut outages = Outages::new(pool);
    loop {
        let begun = Instant::now();
        let ended = run(pool, task.clone(), stop_handle).await;
        pool.counters.busy(begun.elapsed());
        if stop_handle.why() == Some(StopReason::TimedOut)
            && pool.rules.breakers.opened_since(begun)
            && !matches!(ended, WorkEnd::Panicked)
        {
            // It may have waited for the dependency, or for others that did.
            if let WorkEnd::Done(Ok(output)) = ended {
                AttemptOutcome::Made(output).discard().await;
            }
            return None;
        }
        let WorkEnd::Done(Err(error)) = &ended else {
            pool.estimate.record(begun.elapsed());
            return Some(ended);
        };
        let (Some(dependency), None) = (error.unavailable, stop_handle.why()) else {
            pool.estimate.record(begun.elapsed());
            return Some(ended);
        };
        outages.may_be_own |= error.is_out_of_space();
        let next = outages.wait_out(pool, stop_handle, dependency, &error.message);
        match next.await {
            AfterOutage::Retry => {}
            AfterOutage::HandBack => return None,
            AfterOutage::Blame | AfterOutage::Stop => return Some(ended),
        }
    }
}

async fn run(pool: &Pool, task: Task, stop_handle: &StopHandle) -> WorkEnd {
    if stop_handle.why().is_some() {
        return WorkEnd::NotBegun;
    }
    let job = task.job.id;
    let work = async { pool.ports.work.run(task).await };
    let mut work = pin!(AssertUnwindSafe(work).catch_unwind());
    let end = |answer: Result<_, Box<dyn Any + Send>>| match answer {
        Ok(answer) => WorkEnd::Done(answer),
        Err(panic) => match outage_of(&*panic) {
            Some(outage) => WorkEnd::Done(Err(outage)),
            None => {
                error!("job {job}: the work panicked: {}", panic_message(&*panic));
                WorkEnd::Panicked
            }
        },
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
            WorkEnd::Ignored
        }
    }
}

impl Pool {
    /// The outcome to write for an attempt; `None` if its row is not this attempt's to write.
    async fn classify(&self, ended: WorkEnd, why: Option<StopReason>) -> Option<AttemptOutcome> {
        if matches!(ended, WorkEnd::Panicked) {
            self.counters.panicked.inc();
        }
        let Some(why) = why else {
            return Some(match ended {
                WorkEnd::Done(Ok(output)) => AttemptOutcome::Made(output),
                WorkEnd::Done(Err(error)) => AttemptOutcome::Failed(error),
                WorkEnd::Panicked => AttemptOutcome::Failed(JobError::transient(
                    "panicked",
                    "the attempt panicked; see the operator's log",
                )),
                // Neither happens without a reason to stop.
                WorkEnd::Ignored | WorkEnd::NotBegun => AttemptOutcome::Cancelled,
            });
        };
        if let WorkEnd::Done(Ok(output)) = ended {
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
