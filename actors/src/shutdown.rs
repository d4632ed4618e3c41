//! The shutdown: the timeline derived from one deadline, the sequence that executes it, and the
//! report of what happened.
//!
//! The boot drives it, because it alone owns the listener and the store:
//!
//! ```text
//! let shutdown = handle.shutdown(reason, timeline);     // claims stop, not ready
//! shutdown.lame_duck().await;                           // requests are still accepted
//! /* close the listener, finish the requests */
//! let outcome = shutdown.drain().await;                 // services, in the reverse start order
//! /* close the store, join the threads */
//! let report = shutdown.report(outcome, leftovers);     // and its exit code
//! ```
//!
//! [`Shutdown::expedite`] (the second signal) may be called at any time; every step then goes
//! straight to the hand-back.

mod file;
mod phase_clock;
mod progress;
mod report;
mod sequence;
mod timeline;

pub use file::{PreviousRun, ReportFile};
pub use phase_clock::{PhaseProgress, PhaseState};
pub use progress::DrainProgress;
pub use report::{
    DrainOutcome, EXIT_CLEAN, EXIT_ESCALATED, EXIT_HANDED_BACK, Leftovers, PhaseTiming, Reason,
    ServiceOutcome, ShutdownReport,
};
pub use sequence::Shutdown;
pub(crate) use sequence::Tree;
pub use timeline::{Timeline, TimelineFault};
