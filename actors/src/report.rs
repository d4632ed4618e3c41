//! ReportService: runs report jobs.
//!
//! It owns only its exit notice: claims, slots and counters are in the [`Pool`], which survives it.
//! Rendering is up to its [`Work`](lastcall_domain::Work).

use std::sync::Arc;

use actix::prelude::*;
use futures_util::future::BoxFuture;

use crate::messages::{Ping, Stop, Wake};
use crate::supervisor::{ChildHandle, ChildState, ExitNotice, StartContext};
use crate::worker::{Pool, dispatch};

/// Its name.
pub(crate) const NAME: &str = "ReportService";

/// The state of ReportService that survives it.
pub(crate) struct Reports(pub(crate) Arc<Pool>);

impl ChildState for Reports {
    fn name(&self) -> &'static str {
        NAME
    }

    fn close(&self) {
        self.0.close();
    }

    fn idle(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.0.idle())
    }

    fn abandon(&self, incarnation: u64) {
        self.0.abandon(incarnation);
    }
}

/// The ReportService actor.
pub(crate) struct ReportService {
    pool: Arc<Pool>,
    incarnation: u64,
    _exit_notice: ExitNotice,
}

impl ReportService {
    /// Starts it on this arbiter.
    pub(crate) fn begin(pool: &Arc<Pool>, context: StartContext) -> ChildHandle {
        let service = Self {
            pool: Arc::clone(pool),
            incarnation: context.incarnation,
            _exit_notice: context.exit_notice,
        };
        ChildHandle::new(&service.start())
    }
}

impl Actor for ReportService {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.set_mailbox_capacity(self.pool.config.mailbox);
        self.pool.attach(ctx.address().recipient());
        ctx.spawn(dispatch(Arc::clone(&self.pool), self.incarnation).into_actor(self));
    }
}

impl Handler<Wake> for ReportService {
    type Result = ();

    fn handle(&mut self, _: Wake, _: &mut Context<Self>) {
        self.pool.woken();
    }
}

impl Handler<Ping> for ReportService {
    type Result = ();

    fn handle(&mut self, ping: Ping, _: &mut Context<Self>) {
        // The supervisor may be gone.
        let _ = ping.reply.send(());
    }
}

impl Handler<Stop> for ReportService {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}
