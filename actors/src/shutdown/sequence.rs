//! The shutdown sequence: the phases in time, the services in the reverse of their start order,
//! and the hand-back of unfinished jobs.

mod drain;
mod hand_back;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lastcall_domain::{Clock, InstanceId, Store, Timestamp};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::phase_clock::PhaseClock;
use super::report::RunSummary;
use super::{DrainOutcome, DrainProgress, Leftovers, Reason, ShutdownReport, Timeline};
use crate::config::Queued;
use crate::phase::{Phase, PhaseSender};
use crate::supervisor::{ChildSpec, SupervisorHandle};
use crate::worker::{Pool, Unfinished};

/// What a shutdown needs of the tree.
pub(crate) struct Tree {
    pub(crate) instance: InstanceId,
    pub(crate) queued: Queued,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) phase: PhaseSender,
    pub(crate) supervisor: SupervisorHandle,
    /// The children in start order; a worker service with its pool.
    pub(crate) children: Vec<(ChildSpec, Option<Arc<Pool>>)>,
}

impl Tree {
    fn pools(&self) -> Vec<Arc<Pool>> {
        let pools = self.children.iter().filter_map(|(_, pool)| pool.clone());
        pools.collect()
    }
}

/// A shutdown that has begun. Clones share their state.
#[derive(Clone)]
pub struct Shutdown {
    inner: Arc<Inner>,
}

struct Inner {
    tree: Arc<Tree>,
    reason: Reason,
    timeline: Timeline,
    started_at: Timestamp,
    began: Instant,
    /// When the second signal came, if it did.
    expedited: watch::Sender<Option<Instant>>,
    phase_clock: Mutex<PhaseClock>,
    /// The counters of each child before the shutdown.
    before: Vec<CounterSnapshot>,
}

/// The outcomes of jobs so far, of a child with a pool.
#[derive(Clone, Copy, Debug, Default)]
struct CounterSnapshot {
    ended: u64,
    handed_back: u64,
}

impl CounterSnapshot {
    /// The counters, and the jobs that they do not include.
    fn of(pool: &Pool) -> (Unfinished, Self) {
        pool.claims.with_unfinished(|| Self {
            ended: pool.ended(),
            handed_back: pool.counters.handed_back.get(),
        })
    }
}

impl Shutdown {
    /// Begins the shutdown: no further job is claimed (unless the queue must be finished),
    /// readiness fails, and work that will not finish in time is handed back.
    ///
    /// Every phase is counted from `began`, when the shutdown was requested, so that a thread which
    /// learns of it late does not end late.
    pub(crate) fn begin(
        tree: Arc<Tree>,
        reason: Reason,
        timeline: Timeline,
        began: Instant,
    ) -> Self {
        tree.phase.advance(Phase::LameDuck);
        let counters =
            |pool: &Option<Arc<Pool>>| pool.as_deref().map(|pool| CounterSnapshot::of(pool).1);
        let before = tree
            .children
            .iter()
            .map(|(_, pool)| counters(pool).unwrap_or_default());
        let shutdown = Self {
            inner: Arc::new(Inner {
                reason,
                timeline,
                started_at: tree.clock.now(),
                began,
                expedited: watch::Sender::new(None),
                phase_clock: Mutex::new(PhaseClock::new(began)),
                before: before.collect(),
                tree,
            }),
        };
        actix_rt::spawn(shutdown.clone().hand_back_unfinishable());
        shutdown
    }

    /// The second signal: every step goes straight to the hand-back.
    pub fn expedite(&self) {
        let now = Instant::now();
        self.inner
            .expedited
            .send_modify(|expedited| _ = expedited.get_or_insert(now));
    }

    /// Whether there was a second signal.
    pub fn is_expedited(&self) -> bool {
        self.inner.expedited.borrow().is_some()
    }

    /// Waits until the lame-duck phase ends.
    pub async fn lame_duck(&self) {
        tokio::select! {
            biased;
            () = self.expedited() => {}
            () = sleep_until(self.at(self.inner.timeline.lame_duck_end)) => {}
        }
    }

    /// Waits until it is time to hand back, or until the second signal: the bound of whatever the
    /// boot does between the lame-duck phase and the drain.
    pub async fn hand_back_due(&self) {
        tokio::select! {
            biased;
            () = self.expedited() => {}
            () = sleep_until(self.at(self.inner.timeline.drain_end)) => {}
        }
    }

    /// When the process must have exited: the planned deadline or, after a second signal, as much
    /// time as is planned for handing back and closing.
    pub fn deadline(&self) -> Instant {
        self.late(self.inner.timeline.deadline)
    }

    /// The report, once the store is closed and the threads are joined. Without an outcome, the
    /// fate of the jobs is unknown.
    pub fn report(&self, outcome: Option<DrainOutcome>, leftovers: Leftovers) -> ShutdownReport {
        let inner = &self.inner;
        ShutdownReport::new(
            RunSummary {
                instance: inner.tree.instance,
                reason: inner.reason,
                hurried: self.is_expedited(),
                started_at: inner.started_at,
                finished_at: inner.tree.clock.now(),
                elapsed: inner.began.elapsed(),
                deadline: inner.timeline.deadline,
                phases: self.phase_clock().timings(&inner.timeline),
            },
            outcome,
            leftovers,
        )
    }

    /// How far it has come.
    pub fn progress(&self) -> DrainProgress {
        let inner = &self.inner;
        DrainProgress::new(
            inner.began,
            self.deadline(),
            self.is_expedited(),
            &inner.timeline,
            &self.phase_clock(),
        )
    }

    async fn expedited(&self) {
        let mut expedited = self.inner.expedited.subscribe();
        // Cannot fail: `self` owns the sender.
        let _ = expedited.wait_for(Option::is_some).await;
    }

    /// When work must have been handed back.
    fn hand_back_end(&self) -> Instant {
        self.late(self.inner.timeline.hand_back_end)
    }

    /// When the last actor must have stopped: half of the remaining time belongs to the store.
    fn retire_end(&self) -> Instant {
        let timeline = &self.inner.timeline;
        self.late(timeline.hand_back_end + (timeline.deadline - timeline.hand_back_end) / 2)
    }

    /// When a step after the hand-back must end: as planned, or as long after the second signal.
    fn late(&self, offset: Duration) -> Instant {
        let planned = self.at(offset);
        let after_due = offset - self.inner.timeline.drain_end;
        let expedited = *self.inner.expedited.borrow();
        expedited.map_or(planned, |expedited| planned.min(expedited + after_due))
    }

    fn at(&self, offset: Duration) -> Instant {
        self.inner.began + offset
    }

    fn phase_clock(&self) -> MutexGuard<'_, PhaseClock> {
        self.inner
            .phase_clock
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
