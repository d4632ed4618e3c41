//! AnalysisService: runs the jobs that analyse, and makes the profiles that reports ask for.
//!
//! A report asks through the [`Desk`], by message ([`Analyze`]); what is asked for takes one of
//! the slots, in front of the jobs that are queued, and goes through until this service is itself
//! drained. The desk outlives every incarnation of the actor: it asks the next one again.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;

use actix::prelude::*;
use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use lastcall_domain::profile::Profile;
use lastcall_domain::{Cancel, Dataset, JobError, ProfileOptions, ProfileWork, Profiles, Progress};
use log::error;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use crate::messages::{Analyze, Ping, Stop, Wake};
use crate::pool::{Ask, Pool, panic_message, pump};
use crate::supervisor::{Birth, Link, Obituary, Part};

/// Its name.
pub(crate) const NAME: &str = "AnalysisService";
/// How often a report asks again when the service dies over what it asked for.
const TRIES: u32 = 3;

/// Where reports ask for profiles: the state of AnalysisService that survives it.
pub(crate) struct Desk {
    pool: Arc<Pool>,
    work: Arc<dyn ProfileWork>,
    service: watch::Sender<Option<Recipient<Analyze>>>,
}

impl Desk {
    pub(crate) fn new(pool: Arc<Pool>, work: Arc<dyn ProfileWork>) -> Arc<Self> {
        Arc::new(Self {
            pool,
            work,
            service: watch::Sender::new(None),
        })
    }

    /// The service as it is now, once it is there. `None` where it is drained.
    async fn service(&self, service: &mut watch::Receiver<Option<Recipient<Analyze>>>) {
        tokio::select! {
            biased;
            () = self.pool.mail.closed() => {}
            // The sender is this desk's own.
            _ = service.wait_for(Option::is_some) => {}
        }
    }
}

fn service_stopped() -> JobError {
    JobError::transient("service_stopped", "AnalysisService is shutting down")
}

#[async_trait]
impl Profiles for Desk {
    async fn profile(
        &self,
        dataset: Dataset,
        options: ProfileOptions,
        cancel: Cancel,
        progress: Progress,
    ) -> Result<Profile, JobError> {
        let mut service = self.service.subscribe();
        for _ in 0..TRIES {
            self.service(&mut service).await;
            let permit = self.pool.mail.enter().await.ok_or_else(service_stopped)?;
            let Some(address) = service.borrow_and_update().clone() else {
                continue;
            };
            let (reply, answer) = oneshot::channel();
            address.do_send(Analyze {
                dataset: dataset.clone(),
                options: options.clone(),
                cancel: cancel.clone(),
                progress: progress.clone(),
                permit,
                reply,
            });
            tokio::select! {
                biased;
                answer = answer => if let Ok(answer) = answer {
                    return answer;
                },
                // The thread that had it was given up; the next incarnation is asked again.
                _ = service.changed() => {}
            }
        }
        Err(if self.pool.mail.is_closed() {
            service_stopped()
        } else {
            JobError::transient(
                "worker_lost",
                "the worker that made the profile died or hung",
            )
        })
    }
}

impl Part for Desk {
    fn name(&self) -> &'static str {
        NAME
    }

    fn close(&self) {
        self.pool.close();
    }

    fn fail(&self) {
        self.close();
        self.service.send_replace(None);
        self.pool.hands.stop_asks();
    }

    fn idle(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.pool.idle())
    }

    fn abandon(&self, incarnation: u64) {
        self.service.send_replace(None);
        self.pool.abandon(incarnation);
    }
}

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
        let pool = &self.desk.pool;
        ctx.set_mailbox_capacity(pool.config.mailbox);
        pool.inhabited(ctx.address().recipient());
        self.desk
            .service
            .send_replace(Some(ctx.address().recipient()));
        ctx.spawn(pump(Arc::clone(pool), self.incarnation).into_actor(self));
    }
}

impl Handler<Wake> for AnalysisService {
    type Result = ();

    fn handle(&mut self, _: Wake, _: &mut Context<Self>) {
        self.desk.pool.woken();
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
        let work = Arc::clone(&self.desk.work);
        let grace = self.desk.pool.config.cancel_grace;
        let stop = cancel.clone();
        let make = async move { work.profile(dataset, options, stop, progress).await };
        self.desk.pool.ask(Ask {
            cancel: cancel.clone(),
            permit: Some(permit),
            work: Box::pin(answer(make, cancel, grace, reply)),
        });
    }
}

/// Makes a profile as long as somebody wants it, and gives it away.
async fn answer(
    make: impl Future<Output = Result<Profile, JobError>>,
    cancel: Cancel,
    grace: std::time::Duration,
    mut reply: oneshot::Sender<Result<Profile, JobError>>,
) {
    if reply.is_closed() {
        return;
    }
    let mut make = pin!(AssertUnwindSafe(make).catch_unwind());
    let made = tokio::select! {
        biased;
        made = &mut make => Some(made),
        () = reply.closed() => None,
        () = cancel.cancelled() => None,
    };
    let made = match made {
        Some(made) => Ok(made),
        None => {
            cancel.cancel();
            timeout(grace, make).await
        }
    };
    let answer = match made {
        Ok(Ok(answer)) => answer,
        Ok(Err(panic)) => {
            error!("a profile panicked: {}", panic_message(&*panic));
            Err(JobError::transient(
                "panicked",
                "the analysis ended by a fault of the service; it is in the operator's log",
            ))
        }
        Err(_) => Err(JobError::transient(
            "cancelled",
            "the analysis was cancelled",
        )),
    };
    // Whoever asked may no longer want it.
    let _ = reply.send(answer);
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
