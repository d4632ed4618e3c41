//! Every message of the tree.
//!
//! | message | from | to | means |
//! |---|---|---|---|
//! | [`Wake`] | API, stores' hints, the other service, the boot | a worker service | rows have changed: look at the queue now |
//! | [`Analyze`] | ReportService's work | AnalysisService | make this profile on one of your slots; the reply is the profile |
//! | [`Sweep`] | API (a session was deleted) | TtlCleaner | do not wait for the interval |
//! | [`Ping`] | Supervisor | every child | answer at once; who does not is hung |
//! | [`Stop`] | Supervisor | every child | your work has ended: leave |
//! | [`ChildStarted`] | a child's arbiter | Supervisor | the factory has built the child |
//! | [`ChildExited`] | a child's exit notice | Supervisor | the child is gone, for whatever reason |
//! | [`TerminateChild`] | the shutdown's sequence | Supervisor | stop this child and join its thread; the reply says whether both ended |
//!
//! Messages carry ids and orders, not payloads. Addresses flow down, replies and counters up.
//! `Wake` and `Sweep` are hints: one that is lost costs time, never work, because the rows say
//! the same. `ChildStarted` and `ChildExited` are facts; `ChildExited` cannot be lost, as a destructor sends it.

use actix::{Actor, Addr, Context, Handler, Message, Recipient};
use lastcall_domain::profile::Profile;
use lastcall_domain::trace::Scope;
use lastcall_domain::{Cancel, Dataset, JobError, ProfileOptions, Progress};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::Permit;

/// Look at the queue now. At most one waits in a mailbox.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Wake;

/// Sweep now. At most one waits in a mailbox.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Sweep;

/// Make a profile for a report.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Analyze {
    /// Of this dataset.
    pub dataset: Dataset,
    /// How.
    pub options: ProfileOptions,
    /// Set when the report is to stop.
    pub cancel: Cancel,
    /// How far it has come.
    pub progress: Progress,
    /// The trace and the job that it is for.
    pub scope: Scope,
    /// The place in the mailbox, then in flight: given back when the profile has been made.
    pub permit: Permit,
    /// Where the profile goes. Its end is closed when nobody wants it any more.
    pub reply: oneshot::Sender<Result<Profile, JobError>>,
}

/// Answer at once. The actor itself answers, which proves that its thread moves.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct Ping {
    /// Where the answer goes.
    pub reply: oneshot::Sender<()>,
}

/// Leave: the work has ended.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct Stop;

/// How the supervisor reaches a child.
#[derive(Clone, Debug)]
pub struct ChildHandle {
    /// Asks whether it answers.
    pub ping: Recipient<Ping>,
    /// Tells it to leave.
    pub stop: Recipient<Stop>,
}

impl ChildHandle {
    /// To the actor of this address.
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
    /// Which child, by its place in the start order.
    pub child: usize,
    /// Which incarnation of it.
    pub incarnation: u64,
    /// How to reach it.
    pub link: ChildHandle,
}

/// The child is gone.
#[derive(Clone, Copy, Debug, Message)]
#[rtype(result = "()")]
pub struct ChildExited {
    /// Which child, by its place in the start order.
    pub child: usize,
    /// Which incarnation of it.
    pub incarnation: u64,
    /// It went by a panic.
    pub panicked: bool,
}

/// Stop this child, for good, and join its thread.
#[derive(Debug, Message)]
#[rtype(result = "()")]
pub struct TerminateChild {
    /// Which child, by its place in the start order.
    pub child: usize,
    /// How long to wait for it.
    pub until: Instant,
    /// Whether actor and thread have ended.
    pub reply: oneshot::Sender<bool>,
}
