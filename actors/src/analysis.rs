//! AnalysisService: runs analysis jobs, and computes the profiles that reports request.
//!
//! A report requests its profile through the [`ProfileClient`], which sends [`Analyze`]. The
//! request takes a slot ahead of the queued jobs, and runs to its end unless this service itself is
//! drained. The client outlives every incarnation of the actor: it repeats the request to the next
//! one.

mod answer;
mod profile_client;

use std::sync::Arc;

use actix::prelude::*;

use crate::messages::{Analyze, Ping, Stop, Wake};
use crate::supervisor::{ChildHandle, ExitNotice, StartContext};
use crate::worker::{ProfileRequest, dispatch};

use answer::answer;
pub(crate) use profile_client::ProfileClient;

/// Its name.
pub(crate) const NAME: &str = "AnalysisService";
/// The AnalysisService actor.
pub(crate) struct AnalysisService {
    profile_client: Arc<ProfileClient>,
    incarnation: u64,
    _exit_notice: ExitNotice,
}

impl AnalysisService {
    /// Starts it on this arbiter.
    pub(crate) fn begin(profile_client: &Arc<ProfileClient>, context: StartContext) -> ChildHandle {
        let service = Self {
            profile_client: Arc::clone(profile_client),
            incarnation: context.incarnation,
            _exit_notice: context.exit_notice,
        };
        ChildHandle::new(&service.start())
    }
}

impl Actor for AnalysisService {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        let pool = self.profile_client.pool();
        ctx.set_mailbox_capacity(pool.config.mailbox);
        pool.attach(ctx.address().recipient());
        self.profile_client.attach(ctx.address().recipient());
        ctx.spawn(dispatch(Arc::clone(pool), self.incarnation).into_actor(self));
    }
}

impl Handler<Wake> for AnalysisService {
    type Result = ();

    fn handle(&mut self, _: Wake, _: &mut Context<Self>) {
        self.profile_client.pool().woken();
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
            scope,
            permit,
            reply,
        } = analyze;
        let work = self.profile_client.work();
        let grace = self.profile_client.pool().config.cancel_grace;
        let stop = cancel.clone();
        let compute = async move { work.profile(dataset, options, stop, progress).await };
        self.profile_client.pool().request_profile(ProfileRequest {
            cancel: cancel.clone(),
            permit: Some(permit),
            work: Box::pin(scope.run(answer(compute, cancel, grace, reply))),
        });
    }
}

impl Handler<Ping> for AnalysisService {
    type Result = ();

    fn handle(&mut self, ping: Ping, _: &mut Context<Self>) {
        // The supervisor may be gone.
        let _ = ping.reply.send(());
    }
}

impl Handler<Stop> for AnalysisService {
    type Result = ();

    fn handle(&mut self, _: Stop, ctx: &mut Context<Self>) {
        ctx.stop();
    }
}
