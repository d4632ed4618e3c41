//! What the HTTP surface needs from the rest of the service, apart from the stores.

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use lastcall_actors::{DrainProgress, Phase, ShutdownReport, SystemStatus};
use lastcall_domain::{Dataset, JobError, JobId, Schema, Service};

/// The actors, as the HTTP surface sees them.
pub trait SystemPort: Send + Sync {
    /// Where the process is in its life.
    fn phase(&self) -> Phase;

    /// Waits until the process was told to stop.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    fn stopping(&self) -> BoxFuture<'static, ()>;

    /// Waits until the phase is a later one than this.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    fn phase_passed(&self, phase: Phase) -> BoxFuture<'static, ()>;

    /// Says that jobs of the service were queued. A hint; it may be lost.
    fn wake(&self, service: Service);

    /// Says that a session was deleted. A hint; it may be lost.
    fn sweep(&self);

    /// Says that the caller of this job wants it cancelled. A hint; it may be lost.
    fn cancel(&self, job: JobId);

    /// Begins the shutdown, as SIGTERM does. Called once, and not where it has begun already.
    fn request_drain(&self);

    /// What the supervision tree says of itself.
    fn status(&self) -> SystemStatus;

    /// How many lines of the log were dropped, as nobody read them.
    fn dropped_log_lines(&self) -> u64 {
        0
    }

    /// The report of the shutdown before this start.
    fn previous_shutdown(&self) -> Option<ShutdownReport>;

    /// How far the shutdown has come; `None` before it begins.
    fn drain_progress(&self) -> Option<DrainProgress> {
        None
    }
}

/// Who can tell the columns of a dataset, and how they are read.
#[async_trait]
pub trait Describe: Send + Sync {
    /// The columns, with types from every cell.
    ///
    /// # Errors
    /// Where the data cannot be read.
    async fn describe(&self, dataset: &Dataset) -> Result<Schema, JobError>;
}
