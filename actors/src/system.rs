//! The tree as a whole: how the boot starts it, and the handle by which everybody else uses it.

use std::sync::Arc;

use lastcall_domain::{Blobs, Clock, Feed, JobId, ProfileWork, Profiles, Service, Store, Work};

use crate::phase::PhaseTeller;
use crate::{Config, PhaseWatch, Reason, Shutdown, SystemStatus, Timeline};

/// Makes the work of ReportService from the way in which a report asks for its profile.
pub type ReportWorkFactory = Box<dyn FnOnce(Arc<dyn Profiles>) -> Arc<dyn Work> + Send>;

/// What the tree works on.
pub struct Ports {
    /// Where sessions, datasets and jobs are.
    pub store: Arc<dyn Store>,
    /// Where bytes are.
    pub blobs: Arc<dyn Blobs>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who waits for which job.
    pub feed: Feed,
    /// What AnalysisService runs for a job.
    pub analysis_work: Arc<dyn Work>,
    /// What AnalysisService runs for a report that asks.
    pub profile_work: Arc<dyn ProfileWork>,
    /// What ReportService runs for a job.
    pub report_work: ReportWorkFactory,
}

/// A service that died too often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Escalation {
    /// Its name.
    pub service: String,
    /// Why it died the last time.
    pub fault: String,
}

/// The supervision tree.
pub struct System;

impl System {
    /// Builds the tree and starts it. The phase is [`Phase::Starting`](crate::Phase::Starting)
    /// until [`Handle::ready`].
    ///
    /// # Panics
    /// Where no actix system runs on this thread.
    pub fn start(config: Config, ports: Ports) -> Handle {
        let _ = (config, ports);
        Handle {
            phase: PhaseTeller::new(),
        }
    }
}

/// The way to the tree, for the API and the boot. Cheap to clone; works from every thread.
#[derive(Clone)]
pub struct Handle {
    phase: PhaseTeller,
}

impl Handle {
    /// Says that jobs of the service were queued.
    pub fn wake(&self, service: Service) {
        let _ = service;
    }

    /// Says that sessions were deleted.
    pub fn sweep(&self) {}

    /// Says that the caller of this job wants it cancelled (and that its row says so). If this
    /// process runs it, it stops now and not at the next heartbeat.
    pub fn cancel(&self, job: JobId) {
        let _ = job;
    }

    /// Says that the service is ready: the phase becomes running, and jobs are claimed.
    pub fn ready(&self) {
        self.phase.advance(crate::Phase::Running);
    }

    /// What the tree says of itself. No message is sent: it answers however busy all are.
    pub fn status(&self) -> SystemStatus {
        SystemStatus {
            phase: self.phase.watch().get(),
            services: Vec::new(),
            abandoned_threads: Vec::new(),
        }
    }

    /// The phase, to look at and to wait for.
    pub fn phase(&self) -> PhaseWatch {
        self.phase.watch()
    }

    /// How a report asks AnalysisService for a profile.
    pub fn profiles(&self) -> Arc<dyn Profiles> {
        todo!()
    }

    /// Waits until a service has died too often. The boot then shuts down.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn escalated(&self) -> Escalation {
        std::future::pending().await
    }

    /// Begins the shutdown: no further job is claimed, and readiness says no.
    pub fn shutdown(&self, reason: Reason, timeline: Timeline) -> Shutdown {
        let _ = (reason, timeline);
        todo!()
    }
}
