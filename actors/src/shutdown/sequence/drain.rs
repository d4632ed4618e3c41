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

/// How often a queue that must be finished is checked.
const QUEUE_POLL_INTERVAL: Duration = Duration::from_millis(20);
/// The longest wait for an actor to stop and its thread to be joined: on a busy machine the thread
/// may not run for a while.
const MAX_STOP_TIMEOUT: Duration = Duration::from_secs(2);
/// The shortest such wait.
const MIN_STOP_TIMEOUT: Duration = Duration::from_millis(20);
/// The longest wait for the number of queued jobs.
const COUNT_TIMEOUT: Duration = Duration::from_secs(1);

impl Shutdown {
    /// Drains the services in the reverse of their start order, hands back what does not finish,
    /// stops the actors and joins their threads. Ends before the deadline, whatever the store and
    /// the work do.
    pub async fn drain(&self) -> DrainOutcome {
        let tree = &self.inner.tree;
        // First, so that observers of the phase find it in the progress.
        self.phase_clock().begin(Step::Draining);
        tree.phase.advance(Phase::Draining);
        let mut outcome = DrainOutcome::default();
        let mut late = false;
        for index in (0..tree.children.len()).rev() {
            let (child, pool) = &tree.children[index];
            match child.log_lines {
                Some((begin, _)) => info!("{begin}"),
                None => debug!("shutting down {}", child.state.name()),
            }
            tree.supervisor.mark_draining(index);
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
            outcome.services.push(self.stop_child(index, late).await);
        }
        self.phase_clock().begin(Step::Closing);
        self.count(&mut outcome.services).await;
        tree.phase.advance(Phase::Stopped);
        outcome.threads_left = tree.supervisor.abandoned();
        outcome
    }

    /// Stops a child that has no work left, or no time. Returns its outcome.
    async fn stop_child(&self, index: usize, late: bool) -> ServiceOutcome {
        let tree = &self.inner.tree;
        let (child, pool) = &tree.children[index];
        let name = child.state.name();
        child.state.close();
        let idle_until = if late {
            self.hand_back_end()
        } else {
            // Its work has already been waited for.
            Instant::now() + MIN_STOP_TIMEOUT
        };
        let idle = timeout_at(idle_until, child.state.idle()).await.is_ok();
        let failed = tree.supervisor.has_failed(index);
        let stopped = tree
            .supervisor
            .terminate(index, self.stop_until(index))
            .await;
        let unfinished = pool.as_deref().map(|pool| CounterSnapshot::of(pool).0);
        let Unfinished { left, unstopped } = unfinished.unwrap_or_default();
        let complete = idle && stopped && !failed && left.is_empty() && unstopped.is_empty();
        match child.log_lines {
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

    /// Waits until a child has finished its work.
    async fn finish(&self, child: &ChildSpec, pool: Option<&Pool>) {
        if let Some(pool) = pool
            && self.inner.tree.queued == Queued::Finish
        {
            while !self.queue_is_finished(pool).await {
                sleep(QUEUE_POLL_INTERVAL).await;
            }
        }
        child.state.close();
        child.state.idle().await;
    }

    /// Whether no job of the pool is queued or running, or no further one will be claimed.
    async fn queue_is_finished(&self, pool: &Pool) -> bool {
        if pool.claim_gate.is_closed() {
            return true;
        }
        let queued = JobFilter {
            service: Some(pool.service),
            state: Some(State::Queued),
            ..JobFilter::default()
        };
        // A failing store is asked again until it is time to hand back.
        let queued = self.inner.tree.store.jobs(&queued, None, 1).await;
        pool.claims.in_hand() == 0 && queued.is_ok_and(|page| page.items.is_empty())
    }

    /// Fills in the outcomes of the jobs, all at the same time: an actor that did not stop may go
    /// on until the process ends.
    async fn count(&self, services: &mut [ServiceOutcome]) {
        let tree = &self.inner.tree;
        let until = self.retire_end().min(Instant::now() + COUNT_TIMEOUT);
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

    /// When the child at `index` must have stopped: after its share of the remaining time.
    fn stop_until(&self, index: usize) -> Instant {
        let now = Instant::now();
        let shares = u32::try_from(index + 1).unwrap_or(u32::MAX);
        let share = self.retire_end().saturating_duration_since(now) / shares;
        now + share.clamp(MIN_STOP_TIMEOUT, MAX_STOP_TIMEOUT)
    }
}
