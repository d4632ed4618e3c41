//! LeaseKeeper: renews the leases of both worker services, reaps the jobs of dead peers, forwards
//! notifications of other processes, and probes unavailable dependencies.
//!
//! It is a separate child, the first to start and the last to stop, so that leases are kept while a
//! service restarts, while its thread hangs, and until the drain has ended.
//!
//! It neither claims nor completes: it only finds that a claim holds or is lost.

mod listen;
mod probe;
mod reap_expired;
mod renew;

pub(crate) use probe::Probes;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use actix::prelude::*;
use futures_util::future::BoxFuture;
use lastcall_domain::{Feed, JobId, Service, Store};
use tokio::sync::Notify;

use crate::messages::{Ping, Stop};
use crate::phase::PhaseWatch;
use crate::supervisor::{ChildHandle, ChildState, ExitNotice, StartContext};
use crate::worker::Pool;

/// The name of the service.
pub(crate) const NAME: &str = "LeaseKeeper";

/// How long leases are valid, and how often they are renewed and checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeaseTimings {
    pub(crate) lease: Duration,
    pub(crate) heartbeat: Duration,
    pub(crate) expire: Duration,
}

/// The state of LeaseKeeper that survives the actor.
pub(crate) struct Leases {
    store: Arc<dyn Store>,
    feed: Feed,
    probes: Probes,
    pools: Vec<Arc<Pool>>,
    phase: PhaseWatch,
    timings: LeaseTimings,
    /// Running jobs that somebody else has changed, perhaps to cancel them.
    changed: Mutex<BTreeSet<JobId>>,
    expedite: Notify,
}

impl Leases {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        feed: Feed,
        probes: Probes,
        pools: Vec<Arc<Pool>>,
        phase: PhaseWatch,
        timings: LeaseTimings,
    ) -> Arc<Self> {
        Arc::new(Self {
            store,
            feed,
            probes,
            pools,
            phase,
            timings,
            changed: Mutex::default(),
            expedite: Notify::new(),
        })
    }

    /// Runs until the actor ends. The tasks are independent: one that waits for the store delays no
    /// other.
    async fn keep(self: Arc<Self>) {
        tokio::join!(
            self.renew(),
            self.reap_expired(),
            self.listen(),
            self.probe()
        );
    }

    fn is_idle(&self) -> bool {
        self.pools.iter().all(|pool| pool.claims.in_hand() == 0)
    }

    fn wake(&self, service: Service) {
        for pool in self.pools.iter().filter(|pool| pool.service == service) {
            pool.wake();
        }
    }
}

impl ChildState for Leases {
    fn name(&self) -> &'static str {
        NAME
    }

    /// Does nothing: LeaseKeeper is stopped once nobody has claims.
    fn close(&self) {}

    fn idle(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }

    fn abandon(&self, _: u64) {}
}

/// The LeaseKeeper actor.
pub(crate) struct LeaseKeeper {
    leases: Arc<Leases>,
    _exit_notice: ExitNotice,
}

impl LeaseKeeper {
    /// Starts it on this arbiter.
    pub(crate) fn begin(leases: &Arc<Leases>, context: StartContext) -> ChildHandle {
        let lease_keeper = Self {
            leases: Arc::clone(leases),
            _exit_notice: context.exit_notice,
        };
        ChildHandle::new(&lease_keeper.start())
    }
}

impl Actor for LeaseKeeper {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.spawn(Arc::clone(&self.leases).keep().into_actor(self));
    }
}

impl Handler<Ping> for LeaseKeeper {
    type Result = ();

    fn handle(&mut self, ping: Ping, _: &mut Context<Self>) {
        // Whoever changed may be gone.
        let _ = ping.reply.send(());
    }
}

impl Handler<Stop> for LeaseKeeper {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}
