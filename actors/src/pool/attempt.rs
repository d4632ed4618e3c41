//! One attempt at a job: run, stopped by its reins or its time, and never a danger to others.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;

use futures_util::FutureExt;
use lastcall_domain::{JobError, Output, Task, running_time};
use log::{error, warn};
use tokio::time::Instant;

use super::Pool;
use super::claim::{Key, Reins, Stop};
use super::in_hand::InHand;
use super::outage::{After, Outages};
use super::outcome::Finding;
use super::slot::Slot;
use super::write::write;
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
/// writing is bounded by [`Writes`](super::write::Writes), not by the slots.
pub(super) async fn attempt(pool: Arc<Pool>, key: Key, task: Task, reins: Reins, slot: Slot) {
    let in_hand = InHand::new(&pool, key, slot.incarnation());
    let Some(ended) = outlast(&pool, task, &reins).await else {
        in_hand.interrupted();
        slot.next();
        return;
    };
    let Some(finding) = pool.find(key, ended, reins.why()).await else {
        in_hand.done();
        slot.next();
        return;
    };
    let arbiter = slot.arbiter();
    let pass = arbiter.writes.admit(&finding).await;
    let ours = pool.hands.begin_write(key);
    slot.next();
    if ours {
        if !write(&pool, key, finding, &reins).await {
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
async fn outlast(pool: &Pool, task: Task, reins: &Reins) -> Option<Ended> {
    let mut outages = Outages::new(pool);
    loop {
        let begun = Instant::now();
        let ended = run(pool, task.clone(), reins).await;
        pool.tally.busy(begun.elapsed());
        let Ended::Done(Err(error)) = &ended else {
            pool.estimate.record(begun.elapsed());
            return Some(ended);
        };
        if reins.why() == Some(Stop::TimedOut) && pool.rules.breakers.opened_since(begun) {
            // It may have waited for others who waited.
            return None;
        }
        let (Some(dependency), None) = (error.unavailable, reins.why()) else {
            pool.estimate.record(begun.elapsed());
            return Some(ended);
        };
        let after = outages.outlast(pool, reins, dependency, &error.message);
        match after.await {
            After::Retry => {}
            After::HandBack => return None,
            After::Blame | After::Stop => return Some(ended),
        }
    }
}

async fn run(pool: &Pool, task: Task, reins: &Reins) -> Ended {
    if reins.why().is_some() {
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
        () = reins.cancel().cancelled() => {}
        () = running_time::sleep(pool.config.timeout) => reins.stop(Stop::TimedOut),
    }
    match running_time::timeout(pool.config.cancel_grace, work).await {
        Ok(answer) => end(answer),
        Err(_) => {
            warn!("job {job}: the work does not stop; its slot is taken from it");
            Ended::Ignored
        }
    }
}

impl Pool {
    /// What is to be written of an attempt; `None` where its row is not this attempt's to write.
    async fn find(&self, key: Key, ended: Ended, why: Option<Stop>) -> Option<Finding> {
        match &ended {
            Ended::Panicked => self.tally.panicked.one(),
            Ended::Ignored => {
                self.tally.ignored_cancel.one();
                if self.rules.phase.get().is_shutting_down() {
                    self.hands.ignored(key.0);
                }
            }
            Ended::Done(_) | Ended::NotBegun => {}
        }
        let Some(why) = why else {
            return Some(match ended {
                Ended::Done(Ok(output)) => Finding::Made(output),
                Ended::Done(Err(error)) => Finding::Failed(error),
                Ended::Panicked => Finding::Failed(JobError::transient(
                    "panicked",
                    "the attempt ended by a fault of the service; it is in the operator's log",
                )),
                // Neither comes without a reason to stop.
                Ended::Ignored | Ended::NotBegun => Finding::Cancelled,
            });
        };
        if let Ended::Done(Ok(output)) = ended {
            Finding::Made(output).discard().await;
        }
        match why {
            Stop::Cancelled => Some(Finding::Cancelled),
            Stop::TimedOut => {
                self.tally.timed_out.one();
                let limit = self.config.timeout;
                Some(Finding::Failed(JobError::transient(
                    "timeout",
                    format!("the attempt took longer than {limit:?}"),
                )))
            }
            Stop::HandedBack | Stop::Lost => None,
        }
    }
}
