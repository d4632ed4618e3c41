//! Requests in flight: requests without a complete answer, and connections that were told to close
//! and are still sending. The shutdown waits for both, and for nothing else.
//!
//! The framework's own graceful stop looks once a second; this is told at once.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use bytes::Bytes;
use tokio::sync::watch;

/// The count of what is owed. Every clone is the same count.
#[derive(Clone, Debug)]
pub(crate) struct InFlightRequests {
    owed: Arc<watch::Sender<usize>>,
}

/// One thing that is owed, until it is dropped.
#[derive(Debug)]
pub(crate) struct RequestGuard {
    load: InFlightRequests,
}

impl InFlightRequests {
    /// Nothing is owed.
    pub(crate) fn new() -> Self {
        Self {
            owed: Arc::new(watch::Sender::new(0)),
        }
    }

    /// Notes that something is owed.
    pub(crate) fn start(&self) -> RequestGuard {
        self.owed.send_modify(|owed| *owed += 1);
        RequestGuard { load: self.clone() }
    }

    /// How much is owed.
    pub(crate) fn owed(&self) -> usize {
        *self.owed.borrow()
    }

    /// Waits until nothing is owed.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(crate) async fn drained(&self) {
        let mut owed = self.owed.subscribe();
        // An error means that the count is gone, and with it everything that was owed.
        let _ = owed.wait_for(|owed| *owed == 0).await;
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        self.load.owed.send_modify(|owed| *owed -= 1);
    }
}

/// One connection, from its first byte to its close.
#[derive(Debug)]
pub(crate) struct Connection {
    load: InFlightRequests,
    closing: OnceLock<RequestGuard>,
    watching: OnceLock<RequestGuard>,
}

impl Connection {
    /// A connection that was just accepted.
    pub(crate) fn new(load: InFlightRequests) -> Self {
        Self {
            load,
            closing: OnceLock::new(),
            watching: OnceLock::new(),
        }
    }

    /// Notes that the connection was told to close: what it still sends is owed until it has.
    pub(crate) fn close(&self) {
        self.closing.get_or_init(|| self.load.start());
    }

    /// Notes that the connection carries an operator's stream: it is one of `watchers` until it is
    /// closed, and no shutdown waits for it or cuts it before the stream has ended.
    pub(crate) fn watch(&self, watchers: &InFlightRequests) {
        self.watching.get_or_init(|| watchers.start());
    }

    /// Whether it carries, or has carried, an operator's stream.
    pub(crate) fn is_watching(&self) -> bool {
        self.watching.get().is_some()
    }
}

/// A body whose answer is owed until it was read to its end, or given up.
pub(crate) struct OwedBody {
    body: BoxBody,
    _debt: RequestGuard,
}

impl OwedBody {
    /// The body of the answer that `debt` stands for.
    pub(crate) fn new(body: BoxBody, debt: RequestGuard) -> Self {
        Self { body, _debt: debt }
    }
}

impl MessageBody for OwedBody {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}
