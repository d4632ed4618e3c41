//! Profile requests of reports: the state of AnalysisService that survives its restarts.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use actix::Recipient;
use async_trait::async_trait;
use futures_util::future::BoxFuture;
use lastcall_domain::profile::Profile;
use lastcall_domain::trace::Scope;
use lastcall_domain::{
    Cancel, Dataset, JobError, ProfileOptions, ProfileWork, Profiles, Progress, running_time,
};
use tokio::sync::{oneshot, watch};

use crate::messages::Analyze;
use crate::supervisor::ChildState;
use crate::worker::Pool;

/// How often a report asks, where the service dies over what it asks for.
const TRIES: u32 = 3;
/// How long a report that is to stop waits for its profile to stop.
const STOP: Duration = Duration::from_millis(250);

type Answer = Result<Profile, JobError>;
type Service = Recipient<Analyze>;

/// The way to AnalysisService, whichever incarnation of it is there.
pub(crate) struct ProfileClient {
    pool: Arc<Pool>,
    work: Arc<dyn ProfileWork>,
    service: watch::Sender<Option<Service>>,
}

impl ProfileClient {
    pub(crate) fn new(pool: Arc<Pool>, work: Arc<dyn ProfileWork>) -> Arc<Self> {
        Arc::new(Self {
            pool,
            work,
            service: watch::Sender::new(None),
        })
    }

    pub(super) fn pool(&self) -> &Arc<Pool> {
        &self.pool
    }

    pub(super) fn work(&self) -> Arc<dyn ProfileWork> {
        Arc::clone(&self.work)
    }

    /// A new incarnation of the service is there.
    pub(super) fn attach(&self, service: Service) {
        self.service.send_replace(Some(service));
    }

    /// Asks until there is an answer. `cancel` is this question's own: it is set where the
    /// question is given up, while the report goes on and asks again.
    async fn ask(
        &self,
        dataset: Dataset,
        options: ProfileOptions,
        cancel: &Cancel,
        progress: Progress,
    ) -> Answer {
        let mut service = self.service.subscribe();
        for _ in 0..TRIES {
            tokio::select! {
                biased;
                () = self.pool.mail.closed() => {}
                // The sender is this client's own.
                _ = service.wait_for(Option::is_some) => {}
            }
            let permit = self.pool.mail.enter().await.ok_or_else(service_stopped)?;
            let Some(address) = service.borrow_and_update().clone() else {
                continue;
            };
            let arbiter = self.pool.claims.incarnation();
            let question = Cancel::new();
            let (reply, mut answer) = oneshot::channel();
            address.do_send(Analyze {
                dataset: dataset.clone(),
                options: options.clone(),
                cancel: question.clone(),
                progress: progress.clone(),
                scope: Scope::current(),
                permit,
                reply,
            });
            loop {
                tokio::select! {
                    biased;
                    answer = &mut answer => match answer {
                        Ok(answer) => return answer,
                        // It died with its mailbox, or with its thread.
                        Err(_) => {
                            self.next(&mut service).await;
                            break;
                        }
                    },
                    () = cancel.cancelled(), if !question.is_cancelled() => question.cancel(),
                    _ = service.changed() => if self.pool.claims.incarnation() != arbiter {
                        // The thread that had it was given up.
                        question.cancel();
                        break;
                    },
                }
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

    /// Waits for the next incarnation, or until there is none to come.
    async fn next(&self, service: &mut watch::Receiver<Option<Service>>) {
        tokio::select! {
            biased;
            () = self.pool.mail.closed() => {}
            // The sender is this client's own.
            _ = service.changed() => {}
        }
    }
}

fn service_stopped() -> JobError {
    JobError::transient("service_stopped", "AnalysisService is shutting down")
}

pub(super) fn cancelled() -> JobError {
    JobError::transient("cancelled", "the analysis was cancelled")
}

#[async_trait]
impl Profiles for ProfileClient {
    async fn profile(
        &self,
        dataset: Dataset,
        options: ProfileOptions,
        cancel: Cancel,
        progress: Progress,
    ) -> Answer {
        let question = Cancel::new();
        let mut answer = pin!(self.ask(dataset, options, &question, progress));
        tokio::select! {
            biased;
            answer = &mut answer => return answer,
            () = cancel.cancelled() => {}
        }
        question.cancel();
        running_time::timeout(STOP, answer)
            .await
            .unwrap_or_else(|_| Err(cancelled()))
    }
}

impl ChildState for ProfileClient {
    fn name(&self) -> &'static str {
        super::NAME
    }

    fn close(&self) {
        self.pool.close();
    }

    fn fail(&self) {
        self.close();
        self.service.send_replace(None);
        self.pool.claims.stop_asks();
    }

    fn idle(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.pool.idle())
    }

    fn abandon(&self, incarnation: u64) {
        self.pool.abandon(incarnation);
        self.service.send_replace(None);
    }
}
