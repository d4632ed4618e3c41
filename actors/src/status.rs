//! The status of the tree, for the live page, the metrics and the tests.

use lastcall_domain::Dependency;
use serde::{Deserialize, Serialize};

use crate::Phase;

/// The whole tree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SystemStatus {
    /// The phase of the process.
    pub phase: Phase,
    /// The children, in their start order.
    pub services: Vec<ServiceStatus>,
    /// Threads that were abandoned because a child hung on them, and that are still running.
    pub abandoned_threads: Vec<String>,
    /// The dependencies of the work.
    pub dependencies: Vec<DependencyStatus>,
}

impl SystemStatus {
    /// The child of this name.
    pub fn service(&self, name: &str) -> Option<&ServiceStatus> {
        self.services.iter().find(|service| service.name == name)
    }
}

/// The status of one dependency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DependencyStatus {
    /// The dependency.
    pub name: Dependency,
    /// The state of its breaker; no job is claimed unless all are closed.
    pub breaker: BreakerState,
    /// How many outages it has had since the process started.
    pub outages: u64,
    /// The last fault, during an outage.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
}

/// Whether a dependency is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// It is used.
    Closed,
    /// It is unavailable.
    Open,
    /// It is unavailable, and is being probed.
    HalfOpen,
}

impl BreakerState {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

/// The state of a child.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceState {
    /// Its factory is running.
    #[default]
    Starting,
    /// It is running.
    Running,
    /// It exited or hung, and is restarted after a pause.
    Restarting,
    /// It exceeded its restart limit, and is not restarted.
    Failed,
    /// It is finishing its work.
    Draining,
    /// It has stopped in order.
    Stopped,
}

/// One child of the supervisor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ServiceStatus {
    /// Its name: `AnalysisService`, `ReportService`, `TtlCleaner`, `LeaseKeeper`.
    pub name: String,
    /// Its state.
    pub state: ServiceState,
    /// How many times it was restarted.
    pub restarts: u64,
    /// How many times it hung (each counts as a restart as well).
    pub hung: u64,
    /// The cause of its last restart.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_fault: Option<String>,
    /// Its worker slots; 0 if it has none.
    pub slots: usize,
    /// Slots that are taken.
    pub busy: usize,
    /// Work admitted and not finished: claimed, running, being written.
    pub in_flight: usize,
    /// Jobs claimed ahead of a free slot.
    pub claimed_ahead: usize,
    /// Its mailbox.
    pub mailbox: MailboxStatus,
    /// The outcomes of its work.
    pub counts: Counts,
    /// What the cleaner has done; on `TtlCleaner` only.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cleaner: Option<CleanerCounts>,
}

/// A mailbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailboxStatus {
    /// Messages that may wait in it; senders wait when it is full.
    pub capacity: usize,
    /// Messages that wait in it.
    pub depth: usize,
}

/// The outcomes of a service's work since the process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Jobs claimed.
    pub claimed: u64,
    /// Attempts that succeeded, and were written.
    pub succeeded: u64,
    /// Attempts that failed for good, and were written.
    pub failed: u64,
    /// Attempts that failed and will be retried.
    pub retried: u64,
    /// Attempts that ended because the caller cancelled the job.
    pub cancelled: u64,
    /// Claims that were handed back.
    pub handed_back: u64,
    /// Claims that were lost: a peer has the job, or the store permanently refused the write.
    pub lost: u64,
    /// Stale writes that the store rejected by the epoch of their claim; each is also a lost claim.
    pub refused: u64,
    /// Attempts that panicked.
    pub panicked: u64,
    /// Attempts that ran out of time.
    pub timed_out: u64,
    /// Attempts that did not stop when cancelled, and lost their slot.
    pub ignored_cancel: u64,
    /// Profiles computed for reports.
    pub asked: u64,
    /// Total duration of the attempts, in milliseconds.
    pub busy_ms: u64,
}

/// What the cleaner has done since the process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CleanerCounts {
    /// Sweeps begun.
    pub sweeps: u64,
    /// Sessions removed, with everything in them.
    pub removed: u64,
    /// Failed removals of sessions; the next sweep retries them.
    pub failed: u64,
    /// Remembered answers and removals that were purged.
    pub forgotten: u64,
}
