//! The supervisor's state of a child.

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

/// The state of a child that survives it: what it works on, and what a drain waits for.
pub trait ChildState: Send + Sync + 'static {
    /// The child's name.
    fn name(&self) -> &'static str;

    /// Lets no more work in, for good.
    fn close(&self);

    /// The child is not started again: whoever waits for it is to be told.
    fn fail(&self) {
        self.close();
    }

    /// Waits until nothing is in flight.
    fn idle(&self) -> BoxFuture<'_, ()>;

    /// The arbiter of all lives before `incarnation` is dead or given up: nothing that ran
    /// there will be heard of again.
    fn abandon(&self, incarnation: u64);
}

/// Builds a child, on its arbiter.
pub type Factory = Arc<dyn Fn(StartContext) -> ChildHandle + Send + Sync>;

/// One child: its state, and what builds an actor over it.
#[derive(Clone)]
pub struct ChildSpec {
    /// What survives the child.
    pub part: Arc<dyn ChildState>,
    /// What builds it.
    pub factory: Factory,
    /// The lines of the log when its drain begins and when it has ended; none where the log
    /// does not speak of it.
    pub lines: Option<(&'static str, &'static str)>,
}

/// A child's life begins: what its factory is given. The actor keeps the [`ExitNotice`].
pub struct StartContext {
    /// Which incarnation of it.
    pub incarnation: u64,
    /// To be kept by the actor, and dropped with it.
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

/// Reports a death when it is dropped, from wherever that happens.
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
    pub(super) host: Option<ChildThread>,
    pub(super) link: Option<ChildHandle>,
    /// Rounds of questions since the last answer.
    pub(super) unanswered: u32,
    /// It is being stopped for good, until then, and who wants to know.
    pub(super) retiring: Option<(Instant, oneshot::Sender<bool>)>,
    state: ServiceState,
    restarts: VecDeque<Instant>,
}

impl Child {
    pub(super) fn new(spec: ChildSpec) -> Self {
        Self {
            spec,
            incarnation: 0,
            host: None,
            link: None,
            unanswered: 0,
            retiring: None,
            state: ServiceState::Starting,
            restarts: VecDeque::new(),
        }
    }

    pub(super) fn name(&self) -> &'static str {
        self.spec.part.name()
    }

    pub(super) fn set(&mut self, shared_status: &SharedStatus, index: usize, state: ServiceState) {
        self.state = state;
        shared_status.set(index, state);
    }

    /// Whether it is to answer.
    pub(super) fn is_watched(&self) -> bool {
        self.retiring.is_none()
            && matches!(self.state, ServiceState::Starting | ServiceState::Running)
    }

    /// Whether its next life is still wanted.
    pub(super) fn is_restarting(&self) -> bool {
        self.state == ServiceState::Restarting
    }

    /// It is to stop for good. Whether there is a life to be ended.
    pub(super) fn set_retiring(&mut self, shared_status: &SharedStatus, index: usize) -> bool {
        let lives = matches!(self.state, ServiceState::Starting | ServiceState::Running);
        self.set(shared_status, index, ServiceState::Draining);
        lives
    }

    /// Counts a restart, and those within the last `within`.
    pub(super) fn count_restart(&mut self, within: Duration) -> u32 {
        let now = Instant::now();
        self.restarts.push_back(now);
        self.restarts.retain(|then| now - *then <= within);
        u32::try_from(self.restarts.len()).unwrap_or(u32::MAX)
    }

    /// Takes an arbiter that has ended by itself; what ran there is lost.
    pub(super) fn take_dead_host(&mut self) -> Option<ChildThread> {
        let host = self.host.take_if(|host| !host.is_alive())?;
        self.spec.part.abandon(self.incarnation + 1);
        Some(host)
    }

    /// Gives up the arbiter on which it hangs, and the life that hangs there: an exit notice or a
    /// start that comes from there after all is no longer its own.
    pub(super) fn give_up_host(&mut self) -> Option<ChildThread> {
        self.incarnation += 1;
        self.spec.part.abandon(self.incarnation);
        let host = self.host.take()?;
        host.stop();
        Some(host)
    }
}
