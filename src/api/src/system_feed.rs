//! The latest events of the system, shared by all who follow it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use lastcall_actors::ShutdownReport;
use tokio::sync::watch;

use crate::auth::Role;

/// What followers are to know. One task at most publishes it.
pub(crate) struct SystemFeed {
    latest: watch::Sender<Latest>,
    report: watch::Sender<Option<Arc<ShutdownReport>>>,
    publishing: Mutex<bool>,
}

/// What a follower is to be sent.
#[derive(Clone, Default)]
pub(crate) struct Latest {
    /// The state of the system, as an event for each role; `None` until it was looked at.
    pub(crate) system: Option<[Bytes; Role::ALL.len()]>,
    /// The event that ends the stream, once there is nothing more to come.
    pub(crate) end: Option<Bytes>,
}

impl SystemFeed {
    /// A feed that nobody follows.
    pub(crate) fn new() -> Self {
        Self {
            latest: watch::Sender::new(Latest::default()),
            report: watch::Sender::new(None),
            publishing: Mutex::new(false),
        }
    }

    /// The latest events, which count as new, and those that follow; and whether the caller has to
    /// start a publisher for them.
    pub(crate) fn follow(&self) -> (watch::Receiver<Latest>, bool) {
        let mut publishing = self.lock();
        let mut receiver = self.latest.subscribe();
        receiver.mark_changed();
        let starts = !*publishing && self.latest.borrow().end.is_none();
        *publishing |= starts;
        (receiver, starts)
    }

    /// Publishes what there is to know.
    pub(crate) fn publish(&self, latest: Latest) {
        self.latest.send_replace(latest);
    }

    /// Ends the publishing where nobody follows any more. Whether it has ended: the next follower
    /// then has to start another publisher.
    pub(crate) fn end_unfollowed(&self) -> bool {
        let mut publishing = self.lock();
        let unfollowed = self.latest.receiver_count() == 0;
        if unfollowed {
            self.publish(Latest::default());
            *publishing = false;
        }
        unfollowed
    }

    /// Notes that the publisher has died.
    pub(crate) fn publisher_died(&self) {
        *self.lock() = false;
    }

    /// Says how the shutdown went: nobody can be told more.
    pub(crate) fn end(&self, report: ShutdownReport) {
        self.report.send_replace(Some(Arc::new(report)));
    }

    /// Waits until it is known how the shutdown went.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(crate) async fn ended(&self) -> Arc<ShutdownReport> {
        let mut reports = self.report.subscribe();
        let report = reports.wait_for(Option::is_some).await;
        match report.ok().and_then(|report| report.clone()) {
            Some(report) => report,
            // Unreachable: `self` has the sender.
            None => std::future::pending().await,
        }
    }

    fn lock(&self) -> MutexGuard<'_, bool> {
        self.publishing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
