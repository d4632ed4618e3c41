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

/// Extra time for a reply that the supervisor sends at the deadline.
const REPLY_GRACE: Duration = Duration::from_millis(250);

/// A supervisor and its children.
pub struct SupervisorHandle {
    supervisor: Addr<Supervisor>,
    shared_status: Arc<SharedStatus>,
}

impl SupervisorHandle {
    /// Starts a supervisor on this arbiter, and its children in this order, on the threads that
    /// `placement` selects.
    ///
    /// # Panics
    /// If no actix system runs on this thread.
    pub fn start(specs: Vec<ChildSpec>, rules: Supervision, placement: Placement) -> Self {
        let shared_status = Arc::new(SharedStatus::new(
            specs.iter().map(|spec| spec.state.name()),
        ));
        let supervisor = Supervisor::new(specs, rules, placement, &shared_status).start();
        Self {
            supervisor,
            shared_status,
        }
    }

    /// The supervision status of the children in start order. Sends no message.
    pub fn children(&self) -> Vec<ServiceStatus> {
        self.shared_status.children()
    }

    /// The abandoned threads that are still running. Those that have ended are joined.
    pub fn abandoned(&self) -> Vec<String> {
        self.shared_status.abandoned()
    }

    /// How many rounds of pings the supervisor has sent. It is alive while this grows.
    pub fn rounds(&self) -> u64 {
        self.shared_status.rounds()
    }

    /// Waits until a child exceeds its restart limit.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn escalated(&self) -> Escalation {
        self.shared_status.escalated().await
    }

    /// Stops a child permanently and joins its thread. Returns `false` if the actor or the thread
    /// did not end by `until`, or if the supervisor is gone.
    pub async fn terminate(&self, child: usize, until: Instant) -> bool {
        let (reply, response) = oneshot::channel();
        self.supervisor.do_send(TerminateChild {
            child,
            until,
            reply,
        });
        matches!(
            timeout_at(until + REPLY_GRACE, response).await,
            Ok(Ok(true))
        )
    }

    /// Marks the child as draining.
    pub(crate) fn mark_draining(&self, child: usize) {
        self.shared_status.mark_draining(child);
    }

    /// Whether the child exceeded its restart limit.
    pub(crate) fn has_failed(&self, child: usize) -> bool {
        self.shared_status.has_failed(child)
    }
}
