//! What of a connection a shutdown waits for.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::in_flight::RequestGuard;

/// A connection that is open, and its requests. A shutdown waits until it is closed; once its client
/// was told to use it no more, and nothing but streams of the system is left on it, not even that.
pub(super) struct Open {
    guard: RefCell<Option<RequestGuard>>,
    told: Cell<bool>,
    requests: Cell<usize>,
    followers: Cell<usize>,
}

impl Open {
    /// A connection without a request, which `guard` stands for.
    pub(super) fn new(guard: RequestGuard) -> Rc<Self> {
        Rc::new(Self {
            guard: RefCell::new(Some(guard)),
            told: Cell::new(false),
            requests: Cell::new(0),
            followers: Cell::new(0),
        })
    }

    /// Its client was told to use it no more.
    pub(super) fn tell(&self) {
        self.told.set(true);
        self.settle();
    }

    /// Whether its client was told to use it no more.
    pub(super) fn is_told(&self) -> bool {
        self.told.get()
    }

    /// A request has come.
    pub(super) fn begin(self: &Rc<Self>) -> OpenRequest {
        self.requests.set(self.requests.get() + 1);
        OpenRequest {
            open: Rc::clone(self),
            follows: Cell::new(false),
        }
    }

    fn settle(&self) {
        if self.told.get() && self.requests.get() == 0 && self.followers.get() > 0 {
            self.guard.borrow_mut().take();
        }
    }
}

/// A request of a connection, until it is dropped.
pub(super) struct OpenRequest {
    open: Rc<Open>,
    follows: Cell<bool>,
}

impl OpenRequest {
    /// It is answered with a stream of the system.
    pub(super) fn follow(&self) {
        if !self.follows.replace(true) {
            self.open.requests.set(self.open.requests.get() - 1);
            self.open.followers.set(self.open.followers.get() + 1);
            self.open.settle();
        }
    }

    /// Whether it is answered with a stream of the system.
    pub(super) fn follows(&self) -> bool {
        self.follows.get()
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        let count = match self.follows.get() {
            true => &self.open.followers,
            false => &self.open.requests,
        };
        count.set(count.get() - 1);
        self.open.settle();
    }
}
