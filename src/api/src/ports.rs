//! What the HTTP surface needs from the rest of the service, besides the stores.

use std::collections::BTreeMap;

use async_trait::async_trait;
use lastcall_domain::{Dataset, Field, JobError, JobId, Service};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::watch;
use utoipa::ToSchema;

/// Where the process stands between its start and its end.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Coming up.
    #[default]
    Starting,
    /// Serving.
    Running,
    /// Told to stop; requests are still accepted, so that balancers can turn away.
    LameDuck,
    /// The listener is closed and the services finish what they have.
    Draining,
    /// What still runs is given back to the queue.
    HandingBack,
    /// No service runs any more.
    Stopped,
}

impl Phase {
    /// Every phase, in their order.
    pub const ALL: [Self; 6] = [
        Self::Starting,
        Self::Running,
        Self::LameDuck,
        Self::Draining,
        Self::HandingBack,
        Self::Stopped,
    ];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::LameDuck => "lame_duck",
            Self::Draining => "draining",
            Self::HandingBack => "handing_back",
            Self::Stopped => "stopped",
        }
    }

    /// Whether the process was told to stop.
    pub fn is_stopping(self) -> bool {
        self >= Self::LameDuck
    }
}

/// One actor as its supervisor sees it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct ServiceStatus {
    /// Its name: `AnalysisService`, `ReportService`, `TtlCleaner` and the like.
    pub name: String,
    /// `starting`, `running`, `restarting`, `failed`, `draining` or `stopped`.
    pub state: String,
    /// How often its supervisor has started it again.
    pub restarts: u64,
    /// How often it was found hung; each is a restart as well.
    pub hung: u64,
    /// Why it was last started again.
    pub last_fault: Option<String>,
    /// How many jobs it runs at once; 0 where it runs none.
    pub slots: u64,
    /// Slots that are taken.
    pub busy: u64,
    /// Work that was admitted and is not finished.
    pub in_flight: u64,
    /// Its mailbox.
    pub mailbox: MailboxStatus,
    /// What has become of its work since the process started.
    pub counts: BTreeMap<String, u64>,
    /// What the cleaner has done; on `TtlCleaner` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cleaner: Option<BTreeMap<String, u64>>,
}

/// The mailbox of an actor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct MailboxStatus {
    /// Messages in it.
    pub depth: u64,
    /// Messages that fit.
    pub capacity: u64,
}

/// The actors, as the HTTP surface sees them.
pub trait SystemPort: Send + Sync {
    /// The phase, and its changes.
    fn phases(&self) -> watch::Receiver<Phase>;

    /// Tells a service that jobs were queued. A hint; it may be lost.
    fn wake(&self, service: Service);

    /// Tells the cleaner that a session was deleted. A hint; it may be lost.
    fn sweep(&self);

    /// Tells whoever runs the job that its caller wants it cancelled. A hint; it may be lost.
    fn cancelled(&self, job: JobId);

    /// Begins the shutdown, as SIGTERM does. Every call after the first changes nothing.
    fn request_drain(&self, reason: &str);

    /// The services, in their start order.
    fn services(&self) -> Vec<ServiceStatus>;

    /// How far the shutdown has come: the timeline's phases, planned and actual; `None` before.
    fn drain_progress(&self) -> Option<Value>;

    /// The report of the shutdown before this start.
    fn previous_shutdown(&self) -> Option<Value>;
}

/// Who can tell the columns of a dataset.
#[async_trait]
pub trait Describe: Send + Sync {
    /// The columns, with types from every cell.
    ///
    /// # Errors
    /// Where the data cannot be read.
    async fn describe(&self, dataset: &Dataset) -> Result<Vec<Field>, JobError>;
}
