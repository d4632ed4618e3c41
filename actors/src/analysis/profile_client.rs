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

/// How many times a profile is requested from a service that exits while it computes it.
const MAX_TRIES: u32 = 3;
/// How long a cancelled report waits for its profile to stop.
const STOP_TIMEOUT: Duration = Duration::from_millis(250);

type Answer = Result<Profile, JobError>;
type Service = Recipient<Analyze>;

/// Requests profiles from the current incarnation of AnalysisService.
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

    /// Sets the address of a new incarnation of the service.
    pub(super) fn attach(&self, service: Service) {
        self.service.send_replace(Some(service));
    }

    /// Requests the profile until there is a reply. `cancel` belongs to this request: it is set
    /// when an incarnation is abandoned, while the report goes on and repeats the request.
    async fn request(
        &self,
        dataset: Dataset,
        options: ProfileOptions,
        cancel: &Cancel,
        progress: Progress,
    ) -> Answer {
        let mut service = self.service.subscribe();
        for _ in 0..MAX_TRIES {
            tokio::select! {
                biased;
                () = self.pool.profile_gate.closed() => {}
                // Cannot fail: `self` owns the sender.
                _ = service.wait_for(Option::is_some) => {}
            }
            let permit = self
                .pool
                .profile_gate
                .enter()
                .await
                .ok_or_else(service_stopped)?;
            let Some(address) = service.borrow_and_update().clone() else {
                continue;
            };
            let arbiter = self.pool.claims.incarnation();
            let request_cancel = Cancel::new();
            let (reply, mut answer) = oneshot::channel();
            address.do_send(Analyze {
                dataset: dataset.clone(),
                options: options.clone(),
                cancel: request_cancel.clone(),
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
                        // It was lost with its mailbox, or with its thread.
                        Err(_) => {
                            self.next(&mut service).await;
                            break;
                        }
                    },
                    () = cancel.cancelled(), if !request_cancel.is_cancelled() => request_cancel.cancel(),
                    _ = service.changed() => if self.pool.claims.incarnation() != arbiter {
                        // The thread that computed it was abandoned.
                        request_cancel.cancel();
                        break;
                    },
                }
            }
        }
        Err(if self.pool.profile_gate.is_closed() {
            service_stopped()
        } else {
            JobError::transient(
                "worker_lost",
                "the worker that computed the profile died or hung",
            )
        })
    }

    /// Waits for the next incarnation, or until there will be none.
    async fn next(&self, service: &mut watch::Receiver<Option<Service>>) {
        tokio::select! {
            biased;
            () = self.pool.profile_gate.closed() => {}
            // Cannot fail: `self` owns the sender.
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
        let request_cancel = Cancel::new();
        let mut answer = pin!(self.request(dataset, options, &request_cancel, progress));
        tokio::select! {
            biased;
            answer = &mut answer => return answer,
            () = cancel.cancelled() => {}
        }
        request_cancel.cancel();
        running_time::timeout(STOP_TIMEOUT, answer)
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
        self.pool.claims.cancel_profile_requests();
    }

    fn idle(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.pool.idle())
    }

    fn abandon(&self, incarnation: u64) {
        self.pool.abandon(incarnation);
        self.service.send_replace(None);
    }
}
