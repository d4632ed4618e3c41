//! Drains the services in the reverse of their start order.

use std::time::Duration;

use lastcall_domain::State;
use lastcall_domain::store::JobFilter;
use log::{debug, info, warn};
use tokio::time::{Instant, sleep, timeout_at};

use super::super::phase_clock::Step;
use super::super::report::{DrainOutcome, ServiceOutcome};
use super::{CounterSnapshot, Shutdown};
use crate::config::Queued;
use crate::phase::Phase;
use crate::supervisor::ChildSpec;
use crate::worker::{Pool, Unfinished};

/// How often a queue that is to be finished is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// The longest that is waited for an actor to stop and its thread to be joined: a machine that is
/// busy may not let the thread run for a while.
const RETIRE: Duration = Duration::from_secs(2);
/// The least.
const LEAST_RETIRE: Duration = Duration::from_millis(20);
/// The longest that is waited to hear how many jobs stay in the queue.
const COUNT: Duration = Duration::from_secs(1);

impl Shutdown {
    /// Drains the services in the reverse of their start order, hands back what does not
    /// finish, stops the actors and joins their threads. Ends before the deadline, whatever
    /// store and work do.
    pub async fn drain(&self) -> DrainOutcome {
        let tree = &self.inner.tree;
        // First: whoever hears of the phase finds it in the progress.
        self.ledger().begin(Step::Draining);
        tree.phase.advance(Phase::Draining);
        let mut outcome = DrainOutcome::default();
        let mut late = false;
        for index in (0..tree.children.len()).rev() {
            let (child, pool) = &tree.children[index];
            match child.lines {
                Some((begin, _)) => info!("{begin}"),
                None => debug!("shutting down {}", child.part.name()),
            }
            tree.family.draining(index);
            if !late {
                late = tokio::select! {
                    biased;
                    () = self.finish(child, pool.as_deref()) => false,
                    () = self.hand_back_due() => true,
                };
                if late {
                    outcome.out_of_time |= self.hand_back().await;
                }
            }
            outcome.services.push(self.end(index, late).await);
        }
        self.ledger().begin(Step::Closing);
        self.count(&mut outcome.services).await;
        tree.phase.advance(Phase::Stopped);
        outcome.threads_left = tree.family.abandoned();
        outcome
    }

    /// Stops a child that has nothing left to do, or no time left to do it in, and says what
    /// came of it.
    async fn end(&self, index: usize, late: bool) -> ServiceOutcome {
        let tree = &self.inner.tree;
        let (child, pool) = &tree.children[index];
        let name = child.part.name();
        child.part.close();
        let patience = if late {
            self.hand_back_end()
        } else {
            // It was waited for already.
            Instant::now() + LEAST_RETIRE
        };
        let idle = timeout_at(patience, child.part.idle()).await.is_ok();
        let failed = tree.family.has_failed(index);
        let stopped = tree.family.retire(index, self.patience(index)).await;
        let unfinished = pool.as_deref().map(|pool| CounterSnapshot::of(pool).0);
        let Unfinished { left, unstopped } = unfinished.unwrap_or_default();
        let complete = idle && stopped && !failed && left.is_empty() && unstopped.is_empty();
        match child.lines {
            Some((_, end)) if complete => info!("{end}"),
            _ if complete => debug!("{name} shutdown complete"),
            _ => warn!(
                "{name} did not shut down in order: failed {failed}, idle {idle}, stopped {stopped}, jobs left {left:?}, still running {unstopped:?}"
            ),
        }
        ServiceOutcome {
            name: name.to_owned(),
            complete,
            failed,
            stuck: !stopped,
            ..ServiceOutcome::default()
        }
    }

    /// Waits until a child has finished what it is to finish.
    async fn finish(&self, child: &ChildSpec, pool: Option<&Pool>) {
        if let Some(pool) = pool
            && self.inner.tree.queued == Queued::Finish
        {
            while !self.queue_is_finished(pool).await {
                sleep(LOOK).await;
            }
        }
        child.part.close();
        child.part.idle().await;
    }

    /// Whether no job of the pool waits any more, or no further one is going to be claimed.
    async fn queue_is_finished(&self, pool: &Pool) -> bool {
        if pool.claim_gate.is_closed() {
            return true;
        }
        let queued = JobFilter {
            service: Some(pool.service),
            state: Some(State::Queued),
            ..JobFilter::default()
        };
        // A store that fails is asked again until it is time to hand back.
        let queued = self.inner.tree.store.jobs(&queued, None, 1).await;
        pool.claims.in_hand() == 0 && queued.is_ok_and(|page| page.items.is_empty())
    }

    /// Fills in what became of the jobs, all of it as of one moment: an actor that did not stop
    /// may go on until the process ends.
    async fn count(&self, services: &mut [ServiceOutcome]) {
        let tree = &self.inner.tree;
        let until = self.retire_end().min(Instant::now() + COUNT);
        let counts = timeout_at(until, tree.store.counts()).await;
        let counts = counts.ok().and_then(Result::ok);
        let children = tree.children.iter().zip(&self.inner.before);
        for (((_, pool), before), outcome) in children.rev().zip(services) {
            let Some(pool) = pool else { continue };
            let (unfinished, now) = CounterSnapshot::of(pool);
            outcome.left = unfinished.left;
            outcome.unstopped = unfinished.unstopped;
            outcome.finished = now.ended - before.ended;
            outcome.handed_back = now.handed_back - before.handed_back;
            outcome.queued = counts
                .as_ref()
                .map(|counts| counts.jobs.get(&pool.service).map_or(0, |jobs| jobs.queued));
        }
    }

    /// How long the child at `index` may take to end: its share of what is left.
    fn patience(&self, index: usize) -> Instant {
        let now = Instant::now();
        let shares = u32::try_from(index + 1).unwrap_or(u32::MAX);
        let share = self.retire_end().saturating_duration_since(now) / shares;
        now + share.clamp(LEAST_RETIRE, RETIRE)
    }
}
