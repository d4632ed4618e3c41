//! The actors, as the HTTP surface sees them.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use lastcall_actors::{Handle, Phase, Reason, ShutdownReport, SystemStatus};
use lastcall_api::SystemPort;
use lastcall_domain::{JobId, Service};
use tokio::sync::mpsc::UnboundedSender;

use super::signals::Stop;

/// The supervision tree and the way to stop the process.
pub(super) struct System {
    pub(super) handle: Handle,
    pub(super) stop: UnboundedSender<Stop>,
    pub(super) previous: Option<ShutdownReport>,
}

impl SystemPort for System {
    fn phase(&self) -> Phase {
        self.handle.phase().get()
    }

    fn stopping(&self) -> BoxFuture<'static, ()> {
        let phase = self.handle.phase();
        async move { phase.reached(Phase::LameDuck).await }.boxed()
    }

    fn wake(&self, service: Service) {
        self.handle.wake(service);
    }

    fn sweep(&self) {
        self.handle.sweep();
    }

    fn cancel(&self, job: JobId) {
        self.handle.cancel(job);
    }

    fn request_drain(&self) {
        // Nobody listens only when the process is ending anyway.
        let _ = self.stop.send(Stop::Asked(Reason::Api));
    }

    fn status(&self) -> SystemStatus {
        self.handle.status()
    }

    fn previous_shutdown(&self) -> Option<ShutdownReport> {
        self.previous.clone()
    }
}
