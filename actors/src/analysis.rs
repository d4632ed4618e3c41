//! AnalysisService: runs the jobs that analyse, and makes the profiles that reports ask for.
//!
//! A report asks through the [`Desk`], by message ([`Analyze`]); what is asked for takes one of
//! the slots, in front of the jobs that are queued, and goes through until this service is itself
//! drained. The desk outlives every incarnation of the actor: it asks the next one again.

mod answer;
mod desk;

use std::sync::Arc;

use actix::prelude::*;

use crate::messages::{Analyze, Ping, Stop, Wake};
use crate::pool::{Ask, pump};
use crate::supervisor::{Birth, Link, Obituary};

use answer::answer;
pub(crate) use desk::Desk;

/// Its name.
pub(crate) const NAME: &str = "AnalysisService";
/// The actor.
pub(crate) struct AnalysisService {
    desk: Arc<Desk>,
    incarnation: u64,
    _obituary: Obituary,
}

impl AnalysisService {
    /// Starts it on this arbiter.
    pub(crate) fn begin(desk: &Arc<Desk>, birth: Birth) -> Link {
        let service = Self {
            desk: Arc::clone(desk),
            incarnation: birth.incarnation,
            _obituary: birth.obituary,
        };
        Link::new(&service.start())
    }
}

impl Actor for AnalysisService {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        let pool = self.desk.pool();
        ctx.set_mailbox_capacity(pool.config.mailbox);
        pool.inhabited(ctx.address().recipient());
        self.desk.inhabited(ctx.address().recipient());
        ctx.spawn(pump(Arc::clone(pool), self.incarnation).into_actor(self));
    }
}

impl Handler<Wake> for AnalysisService {
    type Result = ();

    fn handle(&mut self, _: Wake, _: &mut Context<Self>) {
        self.desk.pool().woken();
    }
}

impl Handler<Analyze> for AnalysisService {
    type Result = ();

    fn handle(&mut self, analyze: Analyze, _: &mut Context<Self>) {
        let Analyze {
            dataset,
            options,
            cancel,
            progress,
            permit,
            reply,
        } = analyze;
        let work = self.desk.work();
        let grace = self.desk.pool().config.cancel_grace;
        let stop = cancel.clone();
        let make = async move { work.profile(dataset, options, stop, progress).await };
        self.desk.pool().ask(Ask {
            cancel: cancel.clone(),
            permit: Some(permit),
            work: Box::pin(answer(make, cancel, grace, reply)),
        });
    }
}

impl Handler<Ping> for AnalysisService {
    type Result = ();

    fn handle(&mut self, ping: Ping, _: &mut Context<Self>) {
        // Whoever asked may be gone.
        let _ = ping.reply.send(());
    }
}

impl Handler<Stop> for AnalysisService {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}
