//! What conducts a shutdown: the phases in time, the services in the reverse of their start
//! order, and the hand-back of what does not end.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lastcall_domain::store::JobFilter;
use lastcall_domain::{Clock, InstanceId, State, Store, Timestamp};
use log::{debug, info, warn};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};

use super::ledger::{Ledger, Step};
use super::report::{Account, ServiceOutcome};
use super::{DrainOutcome, Leftovers, Reason, ShutdownReport, Timeline};
use crate::config::Queued;
use crate::phase::{Phase, PhaseTeller};
use crate::pool::{Pool, Which, hand_back};
use crate::supervisor::{ChildSpec, Family};

/// How often work in hand is compared with the time that is left.
const FIT: Duration = Duration::from_millis(250);
/// How often what is waited for and cannot be heard of is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// The longest that is waited for an actor to stop and its thread to be joined.
const RETIRE: Duration = Duration::from_millis(500);
/// The least.
const LEAST_RETIRE: Duration = Duration::from_millis(20);

/// The tree, as far as a shutdown needs to know it.
pub(crate) struct Tree {
    pub(crate) instance: InstanceId,
    pub(crate) queued: Queued,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) phase: PhaseTeller,
    pub(crate) family: Family,
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
    hurried: watch::Sender<bool>,
    ledger: Mutex<Ledger>,
    /// Jobs of each pool that had ended before it began.
    ended_before: Vec<u64>,
}

impl Shutdown {
    /// Begins: no further job is claimed (unless the queue is to be finished), readiness says
    /// no, and work that is known not to fit is handed back.
    pub(crate) fn begin(tree: Arc<Tree>, reason: Reason, timeline: Timeline) -> Self {
        tree.phase.advance(Phase::LameDuck);
        let began = Instant::now();
        let pools = tree.pools();
        let shutdown = Self {
            inner: Arc::new(Inner {
                reason,
                timeline,
                started_at: tree.clock.now(),
                began,
                hurried: watch::Sender::new(false),
                ledger: Mutex::new(Ledger::new(began)),
                ended_before: pools.iter().map(|pool| pool.ended()).collect(),
                tree,
            }),
        };
        actix_rt::spawn(shutdown.clone().hand_back_misfits());
        shutdown
    }

    /// The second signal: every step goes straight to the hand-back.
    pub fn hurry(&self) {
        self.inner.hurried.send_replace(true);
    }

    /// Whether it was hurried.
    pub fn is_hurried(&self) -> bool {
        *self.inner.hurried.borrow()
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

    /// When the process is to have exited.
    pub fn deadline(&self) -> Instant {
        self.at(self.inner.timeline.deadline)
    }

    /// Drains the services in the reverse of their start order, hands back what does not
    /// finish, stops the actors and joins their threads. Ends before the deadline, whatever
    /// store and work do.
    pub async fn drain(&self) -> DrainOutcome {
        let tree = &self.inner.tree;
        tree.phase.advance(Phase::Draining);
        self.ledger().begin(Step::Draining);
        let mut services = Vec::new();
        let mut late = false;
        let mut out_of_time = false;
        for index in (0..tree.children.len()).rev() {
            let (child, pool) = &tree.children[index];
            let name = child.part.name();
            match child.lines {
                Some((begin, _)) => info!("{begin}"),
                None => debug!("shutting down {name}"),
            }
            tree.family.draining(index);
            if !late {
                late = tokio::select! {
                    biased;
                    () = self.finish(child, pool.as_deref()) => false,
                    () = self.hand_back_due() => true,
                };
                if late {
                    out_of_time |= self.hand_back().await;
                }
            }
            child.part.close();
            let idle = timeout_at(self.patience(late), child.part.idle())
                .await
                .is_ok();
            let failed = tree.family.has_failed(index);
            let stopped = tree
                .family
                .retire(index, self.patience_for_retiring(index))
                .await;
            let mut left = pool
                .as_ref()
                .map_or_else(Vec::new, |pool| pool.hands.take_ignored());
            if !idle && let Some(pool) = pool {
                left.extend(pool.hands.jobs());
            }
            let complete = idle && stopped && !failed && left.is_empty();
            match child.lines {
                Some((_, end)) if complete => info!("{end}"),
                _ if complete => debug!("{name} shutdown complete"),
                _ => warn!(
                    "{name} did not shut down in order: failed {failed}, idle {idle}, stopped {stopped}, jobs left {left:?}"
                ),
            }
            services.push((
                index,
                ServiceOutcome {
                    name: name.to_owned(),
                    complete,
                    failed,
                    stuck: !stopped,
                    left,
                    ..ServiceOutcome::default()
                },
            ));
        }
        self.ledger().begin(Step::Closing);
        self.count(&mut services).await;
        tree.phase.advance(Phase::Stopped);
        DrainOutcome {
            services: services.into_iter().map(|(_, service)| service).collect(),
            threads_left: tree.family.abandoned(),
            out_of_time,
        }
    }

    /// The report, when the store is closed and the threads are joined.
    pub fn report(&self, outcome: DrainOutcome, leftovers: Leftovers) -> ShutdownReport {
        let inner = &self.inner;
        ShutdownReport::new(
            Account {
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
        if pool.claims.is_closed() {
            return true;
        }
        let queued = JobFilter {
            service: Some(pool.service),
            state: Some(State::Queued),
            ..JobFilter::default()
        };
        // A store that fails is asked again until it is time to hand back.
        let queued = self.inner.tree.store.jobs(&queued, None, 1).await;
        pool.hands.in_hand() == 0 && queued.is_ok_and(|page| page.items.is_empty())
    }

    /// Cancels and hands back what still runs. Whether there was anything.
    async fn hand_back(&self) -> bool {
        let tree = &self.inner.tree;
        tree.phase.advance(Phase::HandingBack);
        self.ledger().begin(Step::HandingBack);
        let pools = tree.pools();
        let unfinished = pools.iter().any(|pool| pool.is_busy())
            || (tree.queued == Queued::Finish && pools.iter().any(|pool| !pool.claims.is_closed()));
        for pool in &pools {
            pool.close();
            pool.hands.stop_asks();
        }
        let until = self.hand_back_end();
        loop {
            hand_back(&pools, Which::All, until).await;
            let idle = async {
                for pool in &pools {
                    pool.idle().await;
                }
            };
            // A claim that was under way when the gates were closed may still come in.
            let look = (Instant::now() + LOOK).min(until);
            if timeout_at(look, idle).await.is_ok() || Instant::now() >= until {
                return unfinished;
            }
        }
    }

    /// Hands back, as soon as that is known, what does not end in the time that is left, and
    /// what nobody will run any more.
    async fn hand_back_misfits(self) {
        let tree = &self.inner.tree;
        let end = self.at(self.inner.timeline.drain_end);
        let phase = tree.phase.watch();
        while phase.get() < Phase::HandingBack && Instant::now() < end {
            let left = end - Instant::now();
            let pools = tree.pools();
            hand_back(&pools, Which::CannotFit(left), end).await;
            for (index, (_, pool)) in tree.children.iter().enumerate() {
                let Some(pool) = pool else { continue };
                if tree.family.has_failed(index) {
                    hand_back(std::slice::from_ref(pool), Which::Unattended, end).await;
                }
                if pool.estimate.mean().is_some_and(|mean| mean > left) {
                    pool.claims.close();
                }
            }
            tokio::select! {
                biased;
                () = phase.reached(Phase::HandingBack) => {}
                () = sleep(FIT) => {}
            }
        }
    }

    /// Fills in what became of the jobs.
    async fn count(&self, services: &mut [(usize, ServiceOutcome)]) {
        let tree = &self.inner.tree;
        let counts = timeout_at(self.retire_end(), tree.store.counts()).await;
        let counts = counts.ok().and_then(Result::ok);
        let pools = tree.pools();
        for (index, outcome) in services {
            let Some(pool) = &tree.children[*index].1 else {
                continue;
            };
            let place = pools.iter().position(|other| Arc::ptr_eq(other, pool));
            let before = place.and_then(|place| self.inner.ended_before.get(place));
            outcome.finished = pool.ended() - before.copied().unwrap_or_default();
            outcome.handed_back = pool.tally.handed_back.get();
            outcome.queued = counts
                .as_ref()
                .map(|counts| counts.jobs.get(&pool.service).map_or(0, |jobs| jobs.queued));
        }
    }

    async fn hurried(&self) {
        let mut hurried = self.inner.hurried.subscribe();
        // The sender is this shutdown's own.
        let _ = hurried.wait_for(|hurried| *hurried).await;
    }

    /// How long a child may take to be idle once it was told to: it was waited for already
    /// where it is not late.
    fn patience(&self, late: bool) -> Instant {
        if late {
            self.hand_back_end()
        } else {
            Instant::now() + LEAST_RETIRE
        }
    }

    /// How long the child at `index` may take to end: its share of what is left.
    fn patience_for_retiring(&self, index: usize) -> Instant {
        let now = Instant::now();
        let shares = u32::try_from(index + 1).unwrap_or(u32::MAX);
        let share = self.retire_end().saturating_duration_since(now) / shares;
        now + share.clamp(LEAST_RETIRE, RETIRE)
    }

    /// When work must be handed back: as planned, or as long after the hurry as planned.
    fn hand_back_end(&self) -> Instant {
        self.at(self.inner.timeline.hand_back_end)
    }

    fn retire_end(&self) -> Instant {
        let timeline = &self.inner.timeline;
        self.at(timeline.hand_back_end + (timeline.deadline - timeline.hand_back_end) / 2)
    }

    fn at(&self, offset: Duration) -> Instant {
        self.inner.began + offset
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.inner
            .ledger
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
