//! The status of the tree, as the live page, the metrics and the tests read it.

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
    /// Threads that were given up because a child hung on them, and have not ended since.
    pub abandoned_threads: Vec<String>,
    /// The parts of the environment that work depends on.
    pub dependencies: Vec<DependencyStatus>,
}

impl SystemStatus {
    /// The child of that name.
    pub fn service(&self, name: &str) -> Option<&ServiceStatus> {
        self.services.iter().find(|service| service.name == name)
    }
}

/// A part of the environment that work depends on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DependencyStatus {
    /// Which part.
    pub name: Dependency,
    /// Whether it is used; while one is not, no job is claimed.
    pub breaker: BreakerState,
    /// How often it was away since the process started.
    pub outages: u64,
    /// What was last heard of it, while it is away.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
}

/// Whether a part of the environment is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerState {
    /// It is used.
    Closed,
    /// It is away.
    Open,
    /// It is away, and is being probed.
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

/// Whether a child does its work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServiceState {
    /// Its factory runs.
    #[default]
    Starting,
    /// It answers.
    Running,
    /// It died or hung, and is started again after a pause.
    Restarting,
    /// It died too often and is not started again.
    Failed,
    /// It finishes what it has in hand.
    Draining,
    /// It has ended in order.
    Stopped,
}

/// One child of the supervisor.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ServiceStatus {
    /// Its name: `AnalysisService`, `ReportService`, `TtlCleaner`, `LeaseKeeper`.
    pub name: String,
    /// Whether it does its work.
    pub state: ServiceState,
    /// How often it was started again.
    pub restarts: u64,
    /// How often it was found hung (each is a restart as well).
    pub hung: u64,
    /// Why it was last started again.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_fault: Option<String>,
    /// Its worker slots; 0 where it has none.
    pub slots: usize,
    /// Slots that are taken.
    pub busy: usize,
    /// Work admitted and not finished: claimed, running, being written.
    pub in_flight: usize,
    /// Jobs claimed ahead of a free slot.
    pub claimed_ahead: usize,
    /// Its mailbox.
    pub mailbox: MailboxStatus,
    /// What has become of its work.
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

/// What has become of a service's work since the process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Jobs claimed.
    pub claimed: u64,
    /// Attempts that succeeded, and were written.
    pub succeeded: u64,
    /// Attempts that failed for good, and were written.
    pub failed: u64,
    /// Attempts that failed and are to be tried again.
    pub retried: u64,
    /// Attempts that ended because the caller cancelled the job.
    pub cancelled: u64,
    /// Claims handed back in order.
    pub handed_back: u64,
    /// Claims that were lost: a peer has the job, or the store refused for good.
    pub lost: u64,
    /// Late writes that the store refused by the epoch of their claim; each is a claim lost.
    pub refused: u64,
    /// Attempts that panicked.
    pub panicked: u64,
    /// Attempts that ran out of time.
    pub timed_out: u64,
    /// Attempts that did not stop when told to, and lost their slot.
    pub ignored_cancel: u64,
    /// Profiles made for reports that asked by message.
    pub asked: u64,
    /// Sum of the time that attempts took, in milliseconds.
    pub busy_ms: u64,
}

/// What the cleaner has done since the process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CleanerCounts {
    /// Sweeps begun.
    pub sweeps: u64,
    /// Sessions removed, with all they held.
    pub removed: u64,
    /// Sessions whose removal failed, each time that it did; the next sweep tries again.
    pub failed: u64,
    /// Remembered answers and removals that were forgotten.
    pub forgotten: u64,
}
