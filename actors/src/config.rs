//! Settings of the tree. The binary's configuration is converted into them; the defaults are the
//! contract's.

use std::time::Duration;

use lastcall_domain::{InstanceId, Service};

/// The whole tree.
#[derive(Clone, Debug)]
pub struct Config {
    /// This run of the process, which holds its claims.
    pub instance: InstanceId,
    /// AnalysisService.
    pub analysis: PoolConfig,
    /// ReportService.
    pub report: PoolConfig,
    /// How long a claim is valid without a heartbeat.
    pub lease: Duration,
    /// How often claims are renewed.
    pub heartbeat: Duration,
    /// How often the leases of peers are checked: the job of a dead peer is requeued within its
    /// lease plus this interval.
    pub expire: Duration,
    /// TtlCleaner.
    pub cleaner: CleanerConfig,
    /// The supervisor.
    pub supervision: Supervision,
    /// What a drain does with jobs that nobody has claimed.
    pub queued: Queued,
    /// On which threads the children run.
    pub placement: Placement,
}

impl Config {
    /// The defaults, for this instance.
    pub fn new(instance: InstanceId) -> Self {
        Self {
            instance,
            analysis: PoolConfig::new(Duration::from_secs(300)),
            report: PoolConfig::new(Duration::from_secs(120)),
            lease: Duration::from_secs(5),
            heartbeat: Duration::from_secs(1),
            expire: Duration::from_millis(500),
            cleaner: CleanerConfig::default(),
            supervision: Supervision::default(),
            queued: Queued::Leave,
            placement: Placement::OwnArbiters,
        }
    }

    /// The settings of one service.
    pub fn pool(&self, service: Service) -> &PoolConfig {
        match service {
            Service::Analysis => &self.analysis,
            Service::Report => &self.report,
        }
    }
}

/// One worker service.
#[derive(Clone, Debug)]
pub struct PoolConfig {
    /// Jobs run at once; at least 1.
    pub workers: usize,
    /// The bound on messages that wait for a slot, and on jobs claimed ahead; at least 1.
    pub mailbox: usize,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// How long a cancelled attempt may take to stop before its slot is taken away.
    pub cancel_grace: Duration,
    /// How often the service polls for work; jittered by a fifth.
    pub poll: Duration,
    /// Whether the end of a job may make another one claimable, because there is a bound on an
    /// owner's running jobs. [`Handle::owners_are_bounded`](crate::Handle::owners_are_bounded)
    /// changes it.
    pub owners_are_bounded: bool,
}

impl PoolConfig {
    /// The defaults, with this timeout.
    pub fn new(timeout: Duration) -> Self {
        Self {
            workers: 4,
            mailbox: 64,
            timeout,
            cancel_grace: Duration::from_secs(2),
            poll: Duration::from_secs(1),
            owners_are_bounded: false,
        }
    }
}

/// The cleaner.
#[derive(Clone, Debug)]
pub struct CleanerConfig {
    /// The interval between sweeps.
    pub interval: Duration,
    /// Sessions removed in one batch.
    pub batch: u32,
    /// How long answers to repeated requests, and removals, are remembered; at least a day.
    pub remember: Duration,
}

impl Default for CleanerConfig {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(3600),
            batch: 100,
            remember: Duration::from_secs(2 * 86_400),
        }
    }
}

/// The restart policy of children.
#[derive(Clone, Debug)]
pub struct Supervision {
    /// Restarts of one child within [`within`](Self::within); one more escalates.
    pub max_restarts: u32,
    /// The span in which restarts are counted.
    pub within: Duration,
    /// The pause before the first restart; doubled with each restart within the span.
    pub backoff: Duration,
    /// The longest pause.
    pub backoff_max: Duration,
    /// The interval between pings.
    pub ping: Duration,
    /// A child that has not responded for this long is hung.
    pub hang: Duration,
}

impl Default for Supervision {
    fn default() -> Self {
        Self {
            max_restarts: 5,
            within: Duration::from_secs(30),
            backoff: Duration::from_millis(50),
            backoff_max: Duration::from_secs(1),
            ping: Duration::from_secs(1),
            hang: Duration::from_secs(5),
        }
    }
}

/// What a drain does with jobs that nobody has claimed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Queued {
    /// They stay in the queue, which is durable.
    #[default]
    Leave,
    /// They run until it is time to hand back.
    Finish,
}

/// On which threads the children run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Placement {
    /// Each child on its own arbiter: one that never yields starves no other.
    #[default]
    OwnArbiters,
    /// All on the arbiter that started the tree, so that a test's paused clock applies to all of
    /// them. A child that blocks its thread blocks everything.
    Shared,
}
