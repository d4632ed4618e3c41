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

/// The tree, as far as a shutdown needs to know it.
pub(crate) struct Tree {
    pub(crate) instance: InstanceId,
    pub(crate) queued: Queued,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) phase: PhaseSender,
    pub(crate) family: SupervisorHandle,
    /// In their start order; a worker service with its pool.
    pub(crate) children: Vec<(ChildSpec, Option<Arc<Pool>>)>,
}

impl Tree {
    fn pools(&self) -> Vec<Arc<Pool>> {
        let pools = self.children.iter().filter_map(|(_, pool)| pool.clone());
        pools.collect()
    }
}

/// A shutdown that has begun. Every clone is the same.
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
    /// When it was hurried, if it was.
    hurried: watch::Sender<Option<Instant>>,
    ledger: Mutex<PhaseClock>,
    /// The figures of each child before it began.
    before: Vec<CounterSnapshot>,
}

/// What became of jobs, of a child that has a pool.
#[derive(Clone, Copy, Debug, Default)]
struct CounterSnapshot {
    ended: u64,
    handed_back: u64,
}

impl CounterSnapshot {
    /// The figures, and what is in neither of them.
    fn of(pool: &Pool) -> (Unfinished, Self) {
        pool.claims.account(|| Self {
            ended: pool.ended(),
            handed_back: pool.counters.handed_back.get(),
        })
    }
}

impl Shutdown {
    /// Begins: no further job is claimed (unless the queue is to be finished), readiness says
    /// no, and work that is known not to fit is handed back.
    ///
    /// `began`: when it was asked for. Every phase is counted from there, so that a thread which
    /// hears of it late does not end late.
    pub(crate) fn begin(
        tree: Arc<Tree>,
        reason: Reason,
        timeline: Timeline,
        began: Instant,
    ) -> Self {
        tree.phase.advance(Phase::LameDuck);
        let figures =
            |pool: &Option<Arc<Pool>>| pool.as_deref().map(|pool| CounterSnapshot::of(pool).1);
        let before = tree
            .children
            .iter()
            .map(|(_, pool)| figures(pool).unwrap_or_default());
        let shutdown = Self {
            inner: Arc::new(Inner {
                reason,
                timeline,
                started_at: tree.clock.now(),
                began,
                hurried: watch::Sender::new(None),
                ledger: Mutex::new(PhaseClock::new(began)),
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
            .hurried
            .send_modify(|hurried| _ = hurried.get_or_insert(now));
    }

    /// Whether it was hurried.
    pub fn is_hurried(&self) -> bool {
        self.inner.hurried.borrow().is_some()
    }

    /// Waits until requests are no longer to be accepted.
    pub async fn lame_duck(&self) {
        tokio::select! {
            biased;
            () = self.hurried() => {}
            () = sleep_until(self.at(self.inner.timeline.lame_duck_end)) => {}
        }
    }

    /// Waits until it is time to hand back, or the shutdown is hurried: the bound of whatever
    /// the boot does between the lame duck and the drain.
    pub async fn hand_back_due(&self) {
        tokio::select! {
            biased;
            () = self.hurried() => {}
            () = sleep_until(self.at(self.inner.timeline.drain_end)) => {}
        }
    }

    /// When the process is to have exited: as planned, or as long after the second signal as is planned
    /// after the hand-back is due.
    pub fn deadline(&self) -> Instant {
        self.late(self.inner.timeline.deadline)
    }

    /// The report, when the store is closed and the threads are joined. Without an outcome, what
    /// became of the jobs is not known.
    pub fn report(&self, outcome: Option<DrainOutcome>, leftovers: Leftovers) -> ShutdownReport {
        let inner = &self.inner;
        ShutdownReport::new(
            RunSummary {
                instance: inner.tree.instance,
                reason: inner.reason,
                hurried: self.is_hurried(),
                started_at: inner.started_at,
                finished_at: inner.tree.clock.now(),
                elapsed: inner.began.elapsed(),
                deadline: inner.timeline.deadline,
                phases: self.ledger().timings(&inner.timeline),
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
            self.is_hurried(),
            &inner.timeline,
            &self.ledger(),
        )
    }

    async fn hurried(&self) {
        let mut hurried = self.inner.hurried.subscribe();
        // The sender is this shutdown's own.
        let _ = hurried.wait_for(Option::is_some).await;
    }

    /// When work must have been handed back.
    fn hand_back_end(&self) -> Instant {
        self.late(self.inner.timeline.hand_back_end)
    }

    /// When the last actor must have been stopped: half of what is left then is the store's.
    fn retire_end(&self) -> Instant {
        let timeline = &self.inner.timeline;
        self.late(timeline.hand_back_end + (timeline.deadline - timeline.hand_back_end) / 2)
    }

    /// A moment after the hand-back is due: as planned, or as long after the second signal.
    fn late(&self, offset: Duration) -> Instant {
        let planned = self.at(offset);
        let after_due = offset - self.inner.timeline.drain_end;
        let hurried = *self.inner.hurried.borrow();
        hurried.map_or(planned, |hurried| planned.min(hurried + after_due))
    }

    fn at(&self, offset: Duration) -> Instant {
        self.inner.began + offset
    }

    fn ledger(&self) -> MutexGuard<'_, PhaseClock> {
        self.inner
            .ledger
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
