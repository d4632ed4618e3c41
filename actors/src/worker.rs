//! What the two worker services share: claim, run, heartbeat, complete, hand back.
//!
//! A [`Pool`] is the state that survives its actor. It owns the claims in hand, the profiles
//! that were asked for and the counters; the actor over it is a thin dispatcher ([`dispatch`]) that may
//! die at any moment. What then happens to the work:
//!
//! - The actor alone dies (a panic in a handler, in the dispatcher): attempts go on, as tasks of the
//!   arbiter; the next incarnation starts on the same arbiter and goes on filling slots.
//! - The arbiter dies with all its tasks, or hangs and is given up: its attempts are orphans.
//!   The next incarnation fails the one that had the thread with the code `worker_lost`, to be
//!   tried again, and hands the others back: an attempt that hangs its thread again and again
//!   ends after `jobs.max_attempts`, and takes none of its neighbours with it. Where it cannot be
//!   told who it was, all of them fail and are suspects.
//! - The process dies: the rows stay `running`, and recovery or the lease takes them up, as
//!   suspects.
//!
//! Suspects run one at a time in a process ([`suspects`]).
//!
//! Never here: a job's state. It changes in the store only, by `Lifecycle::apply`.

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

/// What a pool works with.
pub(crate) struct PoolPorts {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) feed: Feed,
    pub(crate) tracer: Tracer,
    pub(crate) observer: Arc<dyn JobObserver>,
    pub(crate) work: Arc<dyn Work>,
}

/// What a pool needs to know of the whole.
#[derive(Clone)]
pub(crate) struct PoolRules {
    pub(crate) instance: InstanceId,
    pub(crate) lease: Duration,
    /// Whether other processes may have the store open.
    pub(crate) shared: bool,
    /// How long an answer of the store is waited for.
    pub(crate) patience: Duration,
    pub(crate) suspects: Suspects,
    pub(crate) breakers: Breakers,
    pub(crate) queued: Queued,
    pub(crate) phase: PhaseWatch,
}

/// A worker service, its actor not included.
pub(crate) struct Pool {
    pub(crate) service: Service,
    pub(crate) config: PoolConfig,
    pub(crate) rules: PoolRules,
    pub(crate) ports: PoolPorts,
    pub(crate) claims: Claims,
    /// A permit for each claim in hand, and for each that is being asked for.
    pub(crate) claim_gate: Gate,
    /// A permit for each profile that is asked for.
    pub(crate) mail: Gate,
    pub(crate) counters: Counters,
    pub(crate) estimate: Estimate,
    queue: FetchSchedule,
    /// The dispatcher looks again.
    work_available: Notify,
    wake_sent: AtomicBool,
    /// As in the configuration, until it changes.
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
            mail: Gate::new(config.mailbox.max(1)),
            counters: Counters::default(),
            estimate: Estimate::default(),
            queue: FetchSchedule::new(config.poll, rules.instance),
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

    /// Whose jobs may wait for the jobs of this one.
    pub(crate) fn feeds(&self, dependents: &Arc<Self>) {
        // Set once, when the tree is built; a second time would say the same.
        let _ = self.dependents.set(Arc::downgrade(dependents));
    }

    /// Sends the actor a [`Wake`], unless one waits there already.
    pub(crate) fn wake(&self) {
        if !self.wake_sent.swap(true, Ordering::AcqRel)
            && let Some(address) = &*self.address.borrow()
        {
            address.do_send(Wake);
        }
    }

    /// What the actor does on a [`Wake`].
    pub(crate) fn woken(&self) {
        self.wake_sent.store(false, Ordering::Release);
        self.queue.woken();
        self.work_available.notify_one();
    }

    /// A new incarnation of the actor is there: a `Wake` that died with the last one counts as
    /// heard, since the dispatcher begins by looking.
    pub(crate) fn attach(&self, address: Recipient<Wake>) {
        self.address.send_replace(Some(address));
        self.woken();
    }

    /// The bounds on owners have changed: they may let other jobs be claimed.
    pub(crate) fn owners_are_bounded(&self, bounded: bool) {
        self.owners_are_bounded.store(bounded, Ordering::Relaxed);
        self.look_soon();
    }

    /// Stops the attempt at this job at once, if it is in hand here. Its row says the same.
    pub(crate) fn cancel(&self, job: JobId) {
        self.claims.cancel(job);
    }

    /// Whether jobs are to be claimed now.
    pub(crate) fn is_claiming(&self) -> bool {
        let phase = match self.rules.phase.get() {
            Phase::Running => true,
            Phase::LameDuck | Phase::Draining => self.rules.queued == Queued::Finish,
            Phase::Starting | Phase::HandingBack | Phase::Stopped => false,
        };
        phase && self.rules.breakers.are_closed()
    }

    /// Lets in neither claims nor profiles.
    pub(crate) fn close(&self) {
        self.claim_gate.close();
        self.mail.close();
        self.work_available.notify_one();
    }

    /// A report asks for a profile: it gets the next slot that is free.
    pub(crate) fn ask(&self, ask: ProfileRequest) {
        self.claims.ask(ask);
        self.work_available.notify_one();
    }

    /// Waits until nothing is in flight.
    pub(crate) async fn idle(&self) {
        self.mail.idle().await;
        self.claim_gate.idle().await;
    }

    /// Whether any work is in hand.
    pub(crate) fn is_busy(&self) -> bool {
        self.claims.in_hand() + self.mail.in_flight() > 0
    }

    /// How many jobs have ended here.
    pub(crate) fn ended(&self) -> u64 {
        self.counters.succeeded.get() + self.counters.failed.get() + self.counters.cancelled.get()
    }

    /// The arbiter of all incarnations before `incarnation` is dead or given up.
    pub(crate) fn abandon(&self, incarnation: u64) {
        self.claims.abandon(incarnation);
        self.queue.abandon();
        self.ring();
    }

    /// What the page shows of it.
    pub(crate) fn describe(&self, status: &mut ServiceStatus) {
        let (busy, ahead, asks) = self.claims.occupancy();
        let wakes = usize::from(self.wake_sent.load(Ordering::Acquire));
        status.slots = self.config.workers;
        status.busy = busy;
        status.claimed_ahead = ahead;
        status.in_flight = self.claims.in_hand() + self.mail.in_flight();
        status.mailbox = MailboxStatus {
            capacity: self.mail.capacity(),
            depth: wakes + self.mail.in_flight().saturating_sub(asks),
        };
        status.counts = self.counters.counts();
    }

    /// A job that is queued again is looked at when it is due.
    fn claimable_at(&self, job: &Job) {
        let wait = job.lifecycle.not_before.unwrap_or_default() - self.ports.clock.now();
        let wait = wait.to_std().unwrap_or_default();
        self.queue.look_at(Instant::now() + wait);
        self.work_available.notify_one();
    }

    /// Jobs that wait for jobs of this service may be due.
    fn wake_dependents(&self) {
        if let Some(pool) = self.dependents.get().and_then(Weak::upgrade) {
            pool.look_soon();
        }
    }

    /// Jobs may have become claimable.
    fn look_soon(&self) {
        self.queue.look_soon();
        self.ring();
    }

    /// The dispatcher looks again.
    fn ring(&self) {
        self.work_available.notify_one();
    }
}

impl Recovers for Pool {
    /// Jobs are claimed again.
    fn dependency_is_back(&self, dependency: Dependency) {
        if dependency == Dependency::Store {
            self.queue.store_is_back();
        }
        self.ring();
    }
}
