//! The latest events of the system, shared by all subscribers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use lastcall_actors::ShutdownReport;
use tokio::sync::watch;

use crate::auth::Role;

/// The events for subscribers. At most one task publishes them.
pub(crate) struct SystemFeed {
    latest: watch::Sender<Latest>,
    report: watch::Sender<Option<Arc<ShutdownReport>>>,
    publishing: Mutex<bool>,
}

/// The events for one subscriber.
#[derive(Clone, Default)]
pub(crate) struct Latest {
    /// The state of the system, as an event for each role; `None` before the first snapshot.
    pub(crate) system: Option<[Bytes; Role::ALL.len()]>,
    /// The event that ends the stream, once there is nothing more to send.
    pub(crate) end: Option<Bytes>,
}

impl SystemFeed {
    /// A feed without subscribers.
    pub(crate) fn new() -> Self {
        Self {
            latest: watch::Sender::new(Latest::default()),
            report: watch::Sender::new(None),
            publishing: Mutex::new(false),
        }
    }

    /// Subscribes to the events; the latest counts as new. Returns whether the caller must start a
    /// publisher.
    pub(crate) fn subscribe(&self) -> (watch::Receiver<Latest>, bool) {
        let mut publishing = self.lock();
        let mut receiver = self.latest.subscribe();
        receiver.mark_changed();
        let starts = !*publishing && self.latest.borrow().end.is_none();
        *publishing |= starts;
        (receiver, starts)
    }

    /// Publishes these events.
    pub(crate) fn publish(&self, latest: Latest) {
        self.latest.send_replace(latest);
    }

    /// Stops publishing if there are no subscribers. Returns whether it has stopped: then the next
    /// subscriber must start another publisher.
    pub(crate) fn stop_without_subscribers(&self) -> bool {
        let mut publishing = self.lock();
        let unsubscribed = self.latest.receiver_count() == 0;
        if unsubscribed {
            self.publish(Latest::default());
            *publishing = false;
        }
        unsubscribed
    }

    /// Records that the publisher has died.
    pub(crate) fn publisher_died(&self) {
        *self.lock() = false;
    }

    /// Publishes the report of the shutdown, which ends all streams.
    pub(crate) fn end(&self, report: ShutdownReport) {
        self.report.send_replace(Some(Arc::new(report)));
    }

    /// Waits for the report of the shutdown.
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
