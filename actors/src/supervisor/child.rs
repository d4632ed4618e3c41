//! What the supervisor keeps for each child.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use actix::Recipient;
use futures_util::future::BoxFuture;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::shared_status::SharedStatus;
use super::thread::ChildThread;
use crate::messages::{ChildExited, ChildHandle};
use crate::status::ServiceState;

/// The state of a child that survives its restarts: what it works on, and what a drain waits for.
pub trait ChildState: Send + Sync + 'static {
    /// The child's name.
    fn name(&self) -> &'static str;

    /// Permanently stops accepting work.
    fn close(&self);

    /// Called when the child will not be restarted, so that its waiters can be released.
    fn fail(&self) {
        self.close();
    }

    /// Waits until nothing is in flight.
    fn idle(&self) -> BoxFuture<'_, ()>;

    /// The arbiter of every incarnation before `incarnation` has died or was abandoned: nothing
    /// that ran on it will report back.
    fn abandon(&self, incarnation: u64);
}

/// Builds a child, on its arbiter.
pub type Factory = Arc<dyn Fn(StartContext) -> ChildHandle + Send + Sync>;

/// A child: its state, and the factory of the actor on top of it.
#[derive(Clone)]
pub struct ChildSpec {
    /// The state that survives the child.
    pub state: Arc<dyn ChildState>,
    /// Builds the child.
    pub factory: Factory,
    /// The log lines for the beginning and the end of its drain; `None` to log neither at `info`.
    pub log_lines: Option<(&'static str, &'static str)>,
}

/// What a factory is given. The actor must keep the [`ExitNotice`].
pub struct StartContext {
    /// The child's incarnation.
    pub incarnation: u64,
    /// Kept by the actor, and dropped with it.
    pub exit_notice: ExitNotice,
}

impl StartContext {
    pub(super) fn new(child: usize, incarnation: u64, supervisor: Recipient<ChildExited>) -> Self {
        Self {
            incarnation,
            exit_notice: ExitNotice {
                child,
                incarnation,
                supervisor,
            },
        }
    }

    pub(super) fn id(&self) -> (usize, u64) {
        (self.exit_notice.child, self.incarnation)
    }
}

/// Reports the child's exit when it is dropped, wherever that happens.
pub struct ExitNotice {
    child: usize,
    incarnation: u64,
    supervisor: Recipient<ChildExited>,
}

impl Drop for ExitNotice {
    fn drop(&mut self) {
        self.supervisor.do_send(ChildExited {
            child: self.child,
            incarnation: self.incarnation,
            panicked: std::thread::panicking(),
        });
    }
}

/// What the supervisor knows of a child.
pub(super) struct Child {
    pub(super) spec: ChildSpec,
    pub(super) incarnation: u64,
    pub(super) thread: Option<ChildThread>,
    pub(super) handle: Option<ChildHandle>,
    /// Ping rounds since the last reply.
    pub(super) unanswered: u32,
    /// The time by which a terminating child must have stopped, and who waits for that.
    pub(super) terminating: Option<(Instant, oneshot::Sender<bool>)>,
    state: ServiceState,
    restarts: VecDeque<Instant>,
}

impl Child {
    pub(super) fn new(spec: ChildSpec) -> Self {
        Self {
            spec,
            incarnation: 0,
            thread: None,
            handle: None,
            unanswered: 0,
            terminating: None,
            state: ServiceState::Starting,
            restarts: VecDeque::new(),
        }
    }

    pub(super) fn name(&self) -> &'static str {
        self.spec.state.name()
    }

    pub(super) fn set(&mut self, shared_status: &SharedStatus, index: usize, state: ServiceState) {
        self.state = state;
        shared_status.set(index, state);
    }

    /// Whether it must respond to pings.
    pub(super) fn is_watched(&self) -> bool {
        self.terminating.is_none()
            && matches!(self.state, ServiceState::Starting | ServiceState::Running)
    }

    /// Whether it is still to be restarted.
    pub(super) fn is_restarting(&self) -> bool {
        self.state == ServiceState::Restarting
    }

    /// Marks it as terminating. Returns whether an incarnation is still running.
    pub(super) fn begin_termination(&mut self, shared_status: &SharedStatus, index: usize) -> bool {
        let is_alive = matches!(self.state, ServiceState::Starting | ServiceState::Running);
        self.set(shared_status, index, ServiceState::Draining);
        is_alive
    }

    /// Counts a restart. Returns how many there were during the last `within`.
    pub(super) fn count_restart(&mut self, within: Duration) -> u32 {
        let now = Instant::now();
        self.restarts.push_back(now);
        self.restarts.retain(|then| now - *then <= within);
        u32::try_from(self.restarts.len()).unwrap_or(u32::MAX)
    }

    /// Takes an arbiter that has ended by itself; what ran on it is lost.
    pub(super) fn take_ended_thread(&mut self) -> Option<ChildThread> {
        let thread = self.thread.take_if(|thread| !thread.is_alive())?;
        self.spec.state.abandon(self.incarnation + 1);
        Some(thread)
    }

    /// Abandons the arbiter on which the child hangs, and its incarnation: later messages from
    /// there are no longer accepted.
    pub(super) fn abandon_thread(&mut self) -> Option<ChildThread> {
        self.incarnation += 1;
        self.spec.state.abandon(self.incarnation);
        let thread = self.thread.take()?;
        thread.stop();
        Some(thread)
    }
}
