//! Admission, and the count of work in flight.
//!
//! A permit is taken on admission and travels with the work. It is returned when it is dropped,
//! even if a panic drops the message that carries it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Admits work, up to a bound, until it is closed. Clones share their state.
#[derive(Clone, Debug)]
pub struct Gate {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    capacity: usize,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    in_flight: usize,
    closed: bool,
}

/// Why work was not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The gate is full.
    #[error("the gate is full")]
    Full,
    /// The gate is permanently closed.
    #[error("the gate is closed")]
    Closed,
}

/// The right to be in flight, given back on drop.
#[derive(Debug)]
#[must_use = "dropping the permit gives it back"]
pub struct Permit {
    inner: Arc<Inner>,
}

impl Gate {
    /// An open gate that admits `capacity` at once.
    pub fn new(capacity: usize) -> Self {
        Self {
            inner: Arc::new(Inner {
                capacity,
                state: Mutex::default(),
                changed: Notify::new(),
            }),
        }
    }

    /// Takes a permit without waiting.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn try_enter(&self) -> Result<Permit, Refusal> {
        let mut state = self.inner.lock();
        if state.closed {
            return Err(Refusal::Closed);
        }
        if state.in_flight >= self.inner.capacity {
            return Err(Refusal::Full);
        }
        state.in_flight += 1;
        Ok(Permit {
            inner: Arc::clone(&self.inner),
        })
    }

    /// Takes a permit as soon as there is room (back-pressure). Returns `None` if the gate is or
    /// becomes closed.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing; places are not given in the order of asking.
    pub async fn enter(&self) -> Option<Permit> {
        loop {
            let changed = self.inner.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            match self.try_enter() {
                Ok(permit) => return Some(permit),
                Err(Refusal::Closed) => return None,
                Err(Refusal::Full) => changed.await,
            }
        }
    }

    /// Stops admitting work. Work in flight is not affected.
    pub fn close(&self) {
        self.inner.lock().closed = true;
        self.inner.changed.notify_waiters();
    }

    /// Whether it is closed.
    pub fn is_closed(&self) -> bool {
        self.inner.lock().closed
    }

    /// Waits until it is closed.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn closed(&self) {
        loop {
            let changed = self.inner.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.is_closed() {
                return;
            }
            changed.await;
        }
    }

    /// Waits until nothing is in flight. The result is stable only once the gate is closed.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn idle(&self) {
        loop {
            let changed = self.inner.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if self.in_flight() == 0 {
                return;
            }
            changed.await;
        }
    }

    /// How much is in flight.
    pub fn in_flight(&self) -> usize {
        self.inner.lock().in_flight
    }

    /// How much may be in flight.
    pub fn capacity(&self) -> usize {
        self.inner.capacity
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let wake = {
            let mut state = self.inner.lock();
            let was_full = state.in_flight >= self.inner.capacity;
            state.in_flight -= 1;
            was_full || state.in_flight == 0
        };
        if wake {
            self.inner.changed.notify_waiters();
        }
    }
}
