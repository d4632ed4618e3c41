//! The actors, as the API sees them.

use std::sync::OnceLock;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use lastcall_actors::{
    DrainProgress, Handle, Phase, PhaseWatch, Reason, Shutdown, ShutdownReport, SystemStatus,
    Timeline,
};
use lastcall_api::SystemPort;
use lastcall_domain::{JobId, Service};
use tokio::time::Instant;

use super::signals::{Cause, Stops};
use crate::logging::LogWriter;

/// The supervision tree, and how to stop the process.
pub(super) struct System {
    handle: Handle,
    phase: PhaseWatch,
    stops: Stops,
    previous: Option<ShutdownReport>,
    log: LogWriter,
    drain: OnceLock<(Instant, Timeline)>,
    shutdown: OnceLock<Shutdown>,
}

impl System {
    pub(super) fn new(
        handle: Handle,
        stops: Stops,
        previous: Option<ShutdownReport>,
        log: LogWriter,
    ) -> Self {
        Self {
            phase: handle.phase(),
            handle,
            stops,
            previous,
            log,
            drain: OnceLock::new(),
            shutdown: OnceLock::new(),
        }
    }

    /// Records when the shutdown began, and its timeline.
    pub(super) fn set_drain(&self, began: Instant, timeline: Timeline) {
        self.drain.get_or_init(|| (began, timeline));
    }

    /// Records the shutdown, which knows its progress.
    pub(super) fn set_shutdown(&self, shutdown: Shutdown) {
        self.shutdown.get_or_init(|| shutdown);
    }
}

impl SystemPort for System {
    fn phase(&self) -> Phase {
        self.phase.get()
    }

    fn stopping(&self) -> BoxFuture<'static, ()> {
        let phase = self.phase.clone();
        async move { phase.reached(Phase::LameDuck).await }.boxed()
    }

    fn phase_passed(&self, phase: Phase) -> BoxFuture<'static, ()> {
        let watch = self.phase.clone();
        async move { watch.passed(phase).await }.boxed()
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
        self.stops.stop(Cause::Requested(Reason::Api));
    }

    fn status(&self) -> SystemStatus {
        self.handle.status()
    }

    fn dropped_log_lines(&self) -> u64 {
        self.log.dropped()
    }

    fn previous_shutdown(&self) -> Option<ShutdownReport> {
        self.previous.clone()
    }

    fn drain_progress(&self) -> Option<DrainProgress> {
        if let Some(shutdown) = self.shutdown.get() {
            return Some(shutdown.progress());
        }
        let (began, timeline) = self.drain.get()?;
        Some(DrainProgress::begun(*began, timeline))
    }
}
