//! Every message of the tree.
//!
//! | message | from | to | means |
//! |---|---|---|---|
//! | [`Wake`] | API, stores' hints, the other service, the boot | a worker service | rows have changed: check the queue now |
//! | [`Analyze`] | ReportService's work | AnalysisService | compute this profile on one of your slots; the reply is the profile |
//! | [`Sweep`] | API (a session was deleted) | TtlCleaner | do not wait for the interval |
//! | [`Ping`] | Supervisor | every child | reply at once; a child that does not is hung |
//! | [`Stop`] | Supervisor | every child | exit: your work has ended |
//! | [`ChildStarted`] | a child's arbiter | Supervisor | the factory has built the child |
//! | [`ChildExited`] | a child's exit notice | Supervisor | the child has exited, for whatever reason |
//! | [`TerminateChild`] | the shutdown sequence | Supervisor | stop this child and join its thread; the reply says whether both ended |
//!
//! Messages carry ids and commands, not payloads. Addresses flow down, replies and counters up.
//! `Wake` and `Sweep` are hints: a lost one costs time, never work, because the rows are the source
//! of truth. `ChildStarted` and `ChildExited` are facts; `ChildExited` cannot be lost, because a
//! destructor sends it.

use actix::{Actor, Addr, Context, Handler, Message, Recipient};
use lastcall_domain::profile::Profile;
use lastcall_domain::trace::Scope;
use lastcall_domain::{Cancel, Dataset, JobError, ProfileOptions, Progress};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::Permit;

/// Check the queue now. At most one waits in a mailbox.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Wake;

/// Sweep now. At most one waits in a mailbox.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Sweep;

/// Compute a profile for a report.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Analyze {
    /// The dataset.
    pub dataset: Dataset,
    /// The options of the profile.
    pub options: ProfileOptions,
    /// Set when the report must stop.
    pub cancel: Cancel,
    /// Reports the progress.
    pub progress: Progress,
    /// The trace and the job of the report.
    pub scope: Scope,
    /// The permit for its place in the mailbox and, later, for its slot; returned when the profile
    /// is done.
    pub permit: Permit,
    /// Receives the profile. Closed when nobody wants it any more.
    pub reply: oneshot::Sender<Result<Profile, JobError>>,
}

/// Reply at once. The actor itself replies, which proves that its thread makes progress.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Ping {
    /// Receives the reply.
    pub reply: oneshot::Sender<()>,
}

/// Exit: the work has ended.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Stop;

/// How the supervisor reaches a child.
#[derive(Clone, Debug)]
pub struct ChildHandle {
    /// Sends a [`Ping`].
    pub ping: Recipient<Ping>,
    /// Sends a [`Stop`].
    pub stop: Recipient<Stop>,
}

impl ChildHandle {
    /// A handle of the actor at this address.
    pub fn new<A>(address: &Addr<A>) -> Self
    where
        A: Actor<Context = Context<A>> + Handler<Ping> + Handler<Stop>,
    {
        Self {
            ping: address.clone().recipient(),
            stop: address.clone().recipient(),
        }
    }
}

/// The factory has built the child.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct ChildStarted {
    /// The child, by its place in the start order.
    pub child: usize,
    /// The child's incarnation.
    pub incarnation: u64,
    /// The handle of the child.
    pub handle: ChildHandle,
}

/// The child has exited.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct ChildExited {
    /// The child, by its place in the start order.
    pub child: usize,
    /// The child's incarnation.
    pub incarnation: u64,
    /// Whether it panicked.
    pub panicked: bool,
}

/// Stop this child permanently, and join its thread.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct TerminateChild {
    /// The child, by its place in the start order.
    pub child: usize,
    /// When to stop waiting for it.
    pub until: Instant,
    /// Receives whether the actor and the thread have ended.
    pub reply: oneshot::Sender<bool>,
}
