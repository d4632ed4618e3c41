//! The handle of a supervisor and its children.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Addr};
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::shared_status::{Escalation, SharedStatus};
use super::{ChildSpec, Supervisor};
use crate::config::{Placement, Supervision};
use crate::messages::TerminateChild;
use crate::status::ServiceStatus;

/// The way of an answer that the supervisor gives at the last moment.
const WAY: Duration = Duration::from_millis(250);

/// A supervisor and its children.
pub struct SupervisorHandle {
    supervisor: Addr<Supervisor>,
    shared_status: Arc<SharedStatus>,
}

impl SupervisorHandle {
    /// Starts a supervisor on this arbiter, and the children in this order where `placement`
    /// says.
    ///
    /// # Panics
    /// Where no actix system runs on this thread.
    pub fn start(specs: Vec<ChildSpec>, rules: Supervision, placement: Placement) -> Self {
        let shared_status = Arc::new(SharedStatus::new(specs.iter().map(|spec| spec.part.name())));
        let supervisor = Supervisor::new(specs, rules, placement, &shared_status).start();
        Self {
            supervisor,
            shared_status,
        }
    }

    /// The children in their start order, as far as their supervision goes. No message is sent.
    pub fn children(&self) -> Vec<ServiceStatus> {
        self.shared_status.children()
    }

    /// The threads that were given up and have not ended since. Those that have are joined.
    pub fn abandoned(&self) -> Vec<String> {
        self.shared_status.abandoned()
    }

    /// How often the supervisor has asked its children whether they answer: it is alive while
    /// this grows.
    pub fn rounds(&self) -> u64 {
        self.shared_status.rounds()
    }

    /// Waits until a child has died too often.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn escalated(&self) -> Escalation {
        self.shared_status.escalated().await
    }

    /// Stops a child for good and joins its thread. `false` where actor or thread did not end
    /// by `until`, or the supervisor is gone.
    pub async fn retire(&self, child: usize, until: Instant) -> bool {
        let (reply, answer) = oneshot::channel();
        self.supervisor.do_send(TerminateChild {
            child,
            until,
            reply,
        });
        matches!(timeout_at(until + WAY, answer).await, Ok(Ok(true)))
    }

    /// Shows the child as being drained.
    pub(crate) fn draining(&self, child: usize) {
        self.shared_status.draining(child);
    }

    /// Whether the child has died too often.
    pub(crate) fn has_failed(&self, child: usize) -> bool {
        self.shared_status.has_failed(child)
    }
}
