//! Requests in flight: requests without a complete response, and connections that are closing but
//! still sending. The shutdown waits for both, and for nothing else.
//!
//! The framework's own graceful stop polls once a second; this is notified at once.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use bytes::Bytes;
use tokio::sync::watch;

/// A count of requests in flight. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct InFlightRequests {
    count: Arc<watch::Sender<usize>>,
}

/// Counts as in flight until it is dropped.
#[derive(Debug)]
pub(crate) struct RequestGuard {
    in_flight: InFlightRequests,
}

impl InFlightRequests {
    /// A count of zero.
    pub(crate) fn new() -> Self {
        Self {
            count: Arc::new(watch::Sender::new(0)),
        }
    }

    /// Adds a request.
    pub(crate) fn start(&self) -> RequestGuard {
        self.count.send_modify(|count| *count += 1);
        RequestGuard {
            in_flight: self.clone(),
        }
    }

    /// The count.
    pub(crate) fn count(&self) -> usize {
        *self.count.borrow()
    }

    /// Waits until the count is zero.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(crate) async fn drained(&self) {
        let mut count = self.count.subscribe();
        // An error means that the count is gone.
        let _ = count.wait_for(|count| *count == 0).await;
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        self.in_flight.count.send_modify(|count| *count -= 1);
    }
}

/// One connection, from its first byte to its close.
#[derive(Debug)]
pub(crate) struct Connection {
    in_flight: InFlightRequests,
    closing: OnceLock<RequestGuard>,
    system_stream: OnceLock<RequestGuard>,
}

impl Connection {
    /// A connection that was just accepted.
    pub(crate) fn new(in_flight: InFlightRequests) -> Self {
        Self {
            in_flight,
            closing: OnceLock::new(),
            system_stream: OnceLock::new(),
        }
    }

    /// Records that the connection is closing: what it still sends counts as in flight.
    pub(crate) fn close(&self) {
        self.closing.get_or_init(|| self.in_flight.start());
    }

    /// Records that the connection carries a stream of the system: it counts in `system_streams`
    /// until it is closed, and no shutdown waits for it or cuts it before the stream has ended.
    pub(crate) fn carry_system_stream(&self, system_streams: &InFlightRequests) {
        self.system_stream.get_or_init(|| system_streams.start());
    }

    /// Whether it carries, or has carried, a stream of the system.
    pub(crate) fn carries_system_stream(&self) -> bool {
        self.system_stream.get().is_some()
    }
}

/// A body that counts as in flight until it was read to its end, or dropped.
pub(crate) struct GuardedBody {
    body: BoxBody,
    _guard: RequestGuard,
}

impl GuardedBody {
    /// The body of the response that `guard` counts.
    pub(crate) fn new(body: BoxBody, guard: RequestGuard) -> Self {
        Self {
            body,
            _guard: guard,
        }
    }
}

impl MessageBody for GuardedBody {
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
