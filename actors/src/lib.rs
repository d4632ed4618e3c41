//! Who supervises whom: the supervisor, the worker pools, the cleaner and the shutdown protocol.
//!
//! Everything here works on ports of `lastcall-domain`; no engine, no database and no HTTP is
//! known. [`System::start`] builds the tree and gives a [`Handle`], which is all that the boot
//! and the API need.

mod config;
mod gate;
pub mod log_lines;
pub mod messages;
mod phase;
pub mod shutdown;
mod status;
mod system;

pub use config::{CleanerConfig, Config, Placement, PoolConfig, Queued, Supervision};
pub use gate::{Gate, Permit, Refusal};
pub use phase::{Phase, PhaseWatch};
pub use shutdown::{
    DrainOutcome, PhaseTiming, Reason, Shutdown, ShutdownReport, Timeline, TimelineFault,
};
pub use status::{CleanerCounts, Counts, MailboxStatus, ServiceState, ServiceStatus, SystemStatus};
pub use system::{Escalation, Handle, Ports, ReportWorkFactory, System};
