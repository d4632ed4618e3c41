//! What a shutdown waits for on a connection.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::in_flight::RequestGuard;

/// An open connection and its requests. A shutdown waits until it is closed; once its client was
/// sent `GOAWAY` and only streams of the system are left on it, not even that.
pub(super) struct Open {
    guard: RefCell<Option<RequestGuard>>,
    closing: Cell<bool>,
    requests: Cell<usize>,
    system_streams: Cell<usize>,
}

impl Open {
    /// A connection without requests, which `guard` counts.
    pub(super) fn new(guard: RequestGuard) -> Rc<Self> {
        Rc::new(Self {
            guard: RefCell::new(Some(guard)),
            closing: Cell::new(false),
            requests: Cell::new(0),
            system_streams: Cell::new(0),
        })
    }

    /// Records that its client was sent `GOAWAY`.
    pub(super) fn set_closing(&self) {
        self.closing.set(true);
        self.release_if_unneeded();
    }

    /// Whether its client was sent `GOAWAY`.
    pub(super) fn is_closing(&self) -> bool {
        self.closing.get()
    }

    /// Adds a request.
    pub(super) fn begin(self: &Rc<Self>) -> OpenRequest {
        self.requests.set(self.requests.get() + 1);
        OpenRequest {
            open: Rc::clone(self),
            is_system_stream: Cell::new(false),
        }
    }

    fn release_if_unneeded(&self) {
        if self.closing.get() && self.requests.get() == 0 && self.system_streams.get() > 0 {
            self.guard.borrow_mut().take();
        }
    }
}

/// A request of a connection, until it is dropped.
pub(super) struct OpenRequest {
    open: Rc<Open>,
    is_system_stream: Cell<bool>,
}

impl OpenRequest {
    /// Marks it as answered with a stream of the system.
    pub(super) fn set_system_stream(&self) {
        if !self.is_system_stream.replace(true) {
            self.open.requests.set(self.open.requests.get() - 1);
            self.open
                .system_streams
                .set(self.open.system_streams.get() + 1);
            self.open.release_if_unneeded();
        }
    }

    /// Whether it is answered with a stream of the system.
    pub(super) fn is_system_stream(&self) -> bool {
        self.is_system_stream.get()
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        let count = match self.is_system_stream.get() {
            true => &self.open.system_streams,
            false => &self.open.requests,
        };
        count.set(count.get() - 1);
        self.open.release_if_unneeded();
    }
}
