//! What the two worker services share: claim, run, heartbeat, complete, hand back.
//!
//! A [`Pool`] is the state that survives its actor. It owns the claims, the requested profiles and
//! the counters; the actor on top of it is a thin dispatcher ([`dispatch`]) that may die at any
//! moment. What then happens to the work:
//!
//! - Only the actor dies (a panic in a handler or in the dispatcher): attempts continue as tasks of
//!   the arbiter; the next incarnation starts on the same arbiter and continues to fill slots.
//! - The arbiter dies with all its tasks, or hangs and is abandoned: its attempts are orphans. The
//!   next incarnation fails the one that held the thread with the code `worker_lost`, to be
//!   retried, and hands the others back: an attempt that hangs its thread again and again ends
//!   after `jobs.max_attempts`, and affects none of its neighbours. If the holder is unknown, all
//!   of them fail and become suspects.
//! - The process dies: the rows stay `running`, and recovery or the lease requeues them, as
//!   suspects.
//!
//! Suspects run one at a time in a process ([`suspects`]).
//!
//! A job's state never changes here, only in the store, by `Lifecycle::apply`.

mod arbiter;
mod claim;
mod claim_guard;
mod claim_state;
mod claims;
mod complete;
mod counters;
mod dispatch;
mod estimate;
mod execute;
mod fetch_schedule;
mod outage;
mod outcome;
mod profile_request;
mod release;
mod results;
mod serve_request;
mod slot;
mod stop;
mod suspects;
mod write_limiter;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use actix::Recipient;
use lastcall_domain::trace::Tracer;
use lastcall_domain::{
    Blobs, Clock, Dependency, Feed, InstanceId, Job, JobId, JobObserver, Service, Store, Work,
};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::breakers::{Breakers, Recovers};
use crate::config::{PoolConfig, Queued};
use crate::gate::Gate;
use crate::messages::Wake;
use crate::phase::{Phase, PhaseWatch};
use crate::status::{MailboxStatus, ServiceStatus};

pub(crate) use claim::{Key, claim_ref};
use claims::Claims;
pub(crate) use claims::Unfinished;
pub(crate) use counters::Counter;
use counters::Counters;
pub(crate) use dispatch::dispatch;
use estimate::Estimate;
use fetch_schedule::FetchSchedule;
pub(crate) use profile_request::ProfileRequest;
pub(crate) use release::{Which, hand_back};
pub(crate) use suspects::Suspects;

/// The ports of a pool.
pub(crate) struct PoolPorts {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) feed: Feed,
    pub(crate) tracer: Tracer,
    pub(crate) observer: Arc<dyn JobObserver>,
    pub(crate) work: Arc<dyn Work>,
}

/// The settings that all pools share.
#[derive(Clone)]
pub(crate) struct PoolRules {
    pub(crate) instance: InstanceId,
    pub(crate) lease: Duration,
    /// Whether other processes may have the store open.
    pub(crate) shared: bool,
    /// How long a call to the store may take.
    pub(crate) store_timeout: Duration,
    pub(crate) suspects: Suspects,
    pub(crate) breakers: Breakers,
    pub(crate) queued: Queued,
    pub(crate) phase: PhaseWatch,
}

/// A worker service without its actor.
pub(crate) struct Pool {
    pub(crate) service: Service,
    pub(crate) config: PoolConfig,
    pub(crate) rules: PoolRules,
    pub(crate) ports: PoolPorts,
    pub(crate) claims: Claims,
    /// A permit for each claim, held or being fetched.
    pub(crate) claim_gate: Gate,
    /// A permit for each requested profile.
    pub(crate) profile_gate: Gate,
    pub(crate) counters: Counters,
    pub(crate) estimate: Estimate,
    fetch_schedule: FetchSchedule,
    /// Wakes the dispatcher.
    work_available: Notify,
    wake_sent: AtomicBool,
    /// As configured, until it changes.
    owners_are_bounded: AtomicBool,
    address: watch::Sender<Option<Recipient<Wake>>>,
    dependents: OnceLock<Weak<Pool>>,
}

impl Pool {
    pub(crate) fn new(
        service: Service,
        config: PoolConfig,
        rules: PoolRules,
        ports: PoolPorts,
    ) -> Arc<Self> {
        let pool = Arc::new(Self {
            service,
            claims: Claims::new(),
            claim_gate: Gate::new(usize::MAX),
            profile_gate: Gate::new(config.mailbox.max(1)),
            counters: Counters::default(),
            estimate: Estimate::default(),
            fetch_schedule: FetchSchedule::new(config.poll, rules.instance),
            work_available: Notify::new(),
            wake_sent: AtomicBool::new(false),
            owners_are_bounded: AtomicBool::new(config.owners_are_bounded),
            address: watch::Sender::new(None),
            dependents: OnceLock::new(),
            config,
            rules,
            ports,
        });
        pool.rules.suspects.attach(&pool);
        let recovers: Weak<dyn Recovers> = Arc::<Self>::downgrade(&pool);
        pool.rules.breakers.attach(recovers);
        pool
    }

    /// Sets the pool whose jobs may wait for the jobs of this one.
    pub(crate) fn set_dependents(&self, dependents: &Arc<Self>) {
        // Set once, when the tree is built.
        let _ = self.dependents.set(Arc::downgrade(dependents));
    }

    /// Sends the actor a [`Wake`], unless one is already in its mailbox.
    pub(crate) fn wake(&self) {
        if !self.wake_sent.swap(true, Ordering::AcqRel)
            && let Some(address) = &*self.address.borrow()
        {
            address.do_send(Wake);
        }
    }

    /// Handles a [`Wake`].
    pub(crate) fn woken(&self) {
        self.wake_sent.store(false, Ordering::Release);
        self.fetch_schedule.woken();
        self.work_available.notify_one();
    }

    /// Sets the address of a new incarnation of the actor. A `Wake` that was lost with the last one
    /// counts as handled, because the dispatcher begins with a fetch.
    pub(crate) fn attach(&self, address: Recipient<Wake>) {
        self.address.send_replace(Some(address));
        self.woken();
    }

    /// The bounds on owners have changed: other jobs may have become claimable.
    pub(crate) fn owners_are_bounded(&self, bounded: bool) {
        self.owners_are_bounded.store(bounded, Ordering::Relaxed);
        self.fetch_soon();
    }

    /// Stops the attempt at this job at once, if it runs here. Its row has the request as well.
    pub(crate) fn cancel(&self, job: JobId) {
        self.claims.cancel(job);
    }

    /// Whether jobs may be claimed now.
    pub(crate) fn is_claiming(&self) -> bool {
        let phase = match self.rules.phase.get() {
            Phase::Running => true,
            Phase::LameDuck | Phase::Draining => self.rules.queued == Queued::Finish,
            Phase::Starting | Phase::HandingBack | Phase::Stopped => false,
        };
        phase && self.rules.breakers.are_closed()
    }

    /// Admits neither claims nor profiles.
    pub(crate) fn close(&self) {
        self.claim_gate.close();
        self.profile_gate.close();
        self.work_available.notify_one();
    }

    /// Queues a requested profile, which gets the next free slot.
    pub(crate) fn request_profile(&self, request: ProfileRequest) {
        self.claims.request_profile(request);
        self.work_available.notify_one();
    }

    /// Waits until nothing is in flight.
    pub(crate) async fn idle(&self) {
        self.profile_gate.idle().await;
        self.claim_gate.idle().await;
    }

    /// Whether it has any work.
    pub(crate) fn is_busy(&self) -> bool {
        self.claims.in_hand() + self.profile_gate.in_flight() > 0
    }

    /// How many jobs have ended here.
    pub(crate) fn ended(&self) -> u64 {
        self.counters.succeeded.get() + self.counters.failed.get() + self.counters.cancelled.get()
    }

    /// The arbiter of all incarnations before `incarnation` has died or was abandoned.
    pub(crate) fn abandon(&self, incarnation: u64) {
        self.claims.abandon(incarnation);
        self.fetch_schedule.abandon();
        self.notify_dispatcher();
    }

    /// Adds its status.
    pub(crate) fn describe(&self, status: &mut ServiceStatus) {
        let (busy, ahead, profiles) = self.claims.occupancy();
        let wakes = usize::from(self.wake_sent.load(Ordering::Acquire));
        status.slots = self.config.workers;
        status.busy = busy;
        status.claimed_ahead = ahead;
        status.in_flight = self.claims.in_hand() + self.profile_gate.in_flight();
        status.mailbox = MailboxStatus {
            capacity: self.profile_gate.capacity(),
            depth: wakes + self.profile_gate.in_flight().saturating_sub(profiles),
        };
        status.counts = self.counters.counts();
    }

    /// Schedules a fetch for when a requeued job is due.
    fn claimable_at(&self, job: &Job) {
        let wait = job.lifecycle.not_before.unwrap_or_default() - self.ports.clock.now();
        let wait = wait.to_std().unwrap_or_default();
        self.fetch_schedule.fetch_at(Instant::now() + wait);
        self.work_available.notify_one();
    }

    /// Jobs that wait for jobs of this service may have become claimable.
    fn wake_dependents(&self) {
        if let Some(pool) = self.dependents.get().and_then(Weak::upgrade) {
            pool.fetch_soon();
        }
    }

    /// Jobs may have become claimable.
    fn fetch_soon(&self) {
        self.fetch_schedule.fetch_soon();
        self.notify_dispatcher();
    }

    /// Wakes the dispatcher.
    fn notify_dispatcher(&self) {
        self.work_available.notify_one();
    }
}

impl Recovers for Pool {
    /// Resumes claiming.
    fn dependency_is_back(&self, dependency: Dependency) {
        if dependency == Dependency::Store {
            self.fetch_schedule.store_is_back();
        }
        self.notify_dispatcher();
    }
}
