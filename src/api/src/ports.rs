//! What the HTTP surface needs from the rest of the service, apart from the stores.

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use lastcall_actors::{DrainProgress, Phase, ShutdownReport, SystemStatus};
use lastcall_domain::{Dataset, JobError, JobId, Schema, Service};

/// The actors, as the API sees them.
pub trait SystemPort: Send + Sync {
    /// The phase of the process.
    fn phase(&self) -> Phase;

    /// Waits until the process is stopping.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    fn stopping(&self) -> BoxFuture<'static, ()>;

    /// Waits until the phase is later than this one.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    fn phase_passed(&self, phase: Phase) -> BoxFuture<'static, ()>;

    /// Hints that jobs of the service were queued; may be lost.
    fn wake(&self, service: Service);

    /// Hints that a session was deleted; may be lost.
    fn sweep(&self);

    /// Hints that this job's cancellation was requested; may be lost.
    fn cancel(&self, job: JobId);

    /// Begins the shutdown, like SIGTERM. Called once, and only if it has not already begun.
    fn request_drain(&self);

    /// The status of the supervision tree.
    fn status(&self) -> SystemStatus;

    /// How many log lines were dropped because nobody read them.
    fn dropped_log_lines(&self) -> u64 {
        0
    }

    /// The report of the shutdown before this start.
    fn previous_shutdown(&self) -> Option<ShutdownReport>;

    /// The progress of the shutdown; `None` before it begins.
    fn drain_progress(&self) -> Option<DrainProgress> {
        None
    }
}

/// Reads the columns of a dataset.
#[async_trait]
pub trait Describe: Send + Sync {
    /// The columns, with types inferred from every cell.
    ///
    /// # Errors
    /// If the data cannot be read.
    async fn describe(&self, dataset: &Dataset) -> Result<Schema, JobError>;
}
