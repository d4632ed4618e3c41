//! The supervision tree: the supervisor, the worker pools, the cleaner and the shutdown protocol.
//!
//! Everything here works on the ports of `lastcall-domain`: it knows no engine, no database and no
//! HTTP. [`System::start`] builds the tree and returns a [`Handle`], which is all that the boot and
//! the API need.

mod analysis;
mod backoff;
mod breakers;
mod config;
mod gate;
mod lease_keeper;
pub mod log_lines;
pub mod messages;
mod millis;
mod panic;
mod phase;
mod report;
pub mod shutdown;
mod status;
pub mod supervisor;
mod system;
mod ttl_cleaner;
mod worker;

pub use config::{CleanerConfig, Config, Placement, PoolConfig, Queued, Supervision};
pub use gate::{Gate, Permit, Refusal};
pub use phase::{Phase, PhaseWatch};
pub use shutdown::{
    DrainOutcome, DrainProgress, Leftovers, PhaseProgress, PhaseState, PhaseTiming, PreviousRun,
    Reason, ReportFile, Shutdown, ShutdownReport, Timeline, TimelineFault,
};
pub use status::{
    BreakerState, CleanerCounts, Counts, DependencyStatus, MailboxStatus, ServiceState,
    ServiceStatus, SystemStatus,
};
pub use supervisor::Escalation;
pub use system::{Handle, Ports, ReportWorkFactory, System, actor_name};
