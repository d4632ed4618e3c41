//! Cancellation and progress of a task, shared by its worker and its observers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::Notify;

/// A flag that running work checks often, and stops when it is set.
///
/// Cheap to clone; clones share the flag. Once set, it stays set.
#[derive(Clone, Debug, Default)]
pub struct Cancel {
    inner: Arc<CancelState>,
}

#[derive(Debug, Default)]
struct CancelState {
    set: AtomicBool,
    notify: Notify,
}

impl Cancel {
    /// A flag that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the flag and wakes everyone in [`cancelled`](Self::cancelled).
    pub fn cancel(&self) {
        self.inner.set.store(true, Ordering::Release);
        self.inner.notify.notify_waiters();
    }

    /// Whether the flag is set. One atomic load, cheap enough for an inner loop.
    pub fn is_cancelled(&self) -> bool {
        self.inner.set.load(Ordering::Acquire)
    }

    /// Waits until the flag is set.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn cancelled(&self) {
        loop {
            let notified = self.inner.notify.notified();
            tokio::pin!(notified);
            // Registered before the check, so that a `cancel` in between is not missed.
            notified.as_mut().enable();
            if self.is_cancelled() {
                return;
            }
            notified.await;
        }
    }
}

/// The progress of work, from 0 to 1; written by the work, read by its observers.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    bits: Arc<AtomicU64>,
}

impl Progress {
    /// No progress yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reports the completed fraction, 0 to 1. Values outside, and lower values than before, are
    /// ignored.
    pub fn set(&self, done: f64) {
        if (0.0..=1.0).contains(&done) {
            // Non-negative doubles have the same order as their bits.
            self.bits.fetch_max(done.to_bits(), Ordering::Relaxed);
        }
    }

    /// The completed fraction.
    pub fn get(&self) -> f64 {
        f64::from_bits(self.bits.load(Ordering::Relaxed))
    }
}
