//! The state of one arbiter of a pool, abandoned together with it.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};

use super::write_limiter::WriteLimiter;

/// The arbiter on which incarnations of the actor run, until it dies or hangs.
#[derive(Debug)]
pub(crate) struct ArbiterState {
    /// The incarnation that began to use it.
    pub(super) incarnation: u64,
    /// The writes under way on it, so that a hung arbiter keeps no permits of its successor.
    pub(super) writes: WriteLimiter,
    polled: AtomicU64,
}

/// Identifies a task of an arbiter, so that the holder of the thread is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(pub(super) u64);

const NOBODY: u64 = 0;

impl ArbiterState {
    pub(super) fn new(incarnation: u64) -> Self {
        Self {
            incarnation,
            writes: WriteLimiter::new(),
            polled: AtomicU64::new(NOBODY),
        }
    }

    /// The task that holds the thread right now, if any.
    pub(super) fn holder(&self) -> Option<Ticket> {
        let ticket = self.polled.load(Ordering::Acquire);
        (ticket != NOBODY).then_some(Ticket(ticket))
    }

    /// Runs `work`, and records when it holds the thread. Only on this arbiter.
    pub(super) async fn track<F: Future>(&self, ticket: Ticket, work: F) -> F::Output {
        let mut work = pin!(work);
        poll_fn(|context| {
            let _guard = PollGuard::begin(&self.polled, ticket);
            work.as_mut().poll(context)
        })
        .await
    }
}

/// Marks a task as the holder of the thread.
struct PollGuard<'a>(&'a AtomicU64);

impl<'a> PollGuard<'a> {
    fn begin(polled: &'a AtomicU64, ticket: Ticket) -> Self {
        polled.store(ticket.0, Ordering::Release);
        Self(polled)
    }
}

impl Drop for PollGuard<'_> {
    fn drop(&mut self) {
        self.0.store(NOBODY, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_holder_of_the_thread_is_known_while_it_runs() {
        let arbiter = ArbiterState::new(1);
        let ticket = Ticket(7);
        let work = async {
            assert_eq!(arbiter.holder(), Some(ticket));
            tokio::task::yield_now().await;
            assert_eq!(arbiter.holder(), Some(ticket));
        };
        let watch = async {
            assert_eq!(arbiter.holder(), None);
        };
        tokio::join!(arbiter.track(ticket, work), watch);
        assert_eq!(arbiter.holder(), None);
    }
}
