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
    /// The results that are being written from there. Whoever hangs keeps nobody else's permits.
    pub(super) writes: WriteLimiter,
    polled: AtomicU64,
}

/// What runs on an arbiter, so that it is known who holds its thread.
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

    /// Who holds the thread just now, as far as that is the work of one of them.
    pub(super) fn holder(&self) -> Option<Ticket> {
        let ticket = self.polled.load(Ordering::Acquire);
        (ticket != NOBODY).then_some(Ticket(ticket))
    }

    /// Runs `work`, and notes whenever it has the thread. Only on this arbiter.
    pub(super) async fn track<F: Future>(&self, ticket: Ticket, work: F) -> F::Output {
        let mut work = pin!(work);
        poll_fn(|context| {
            let _guard = PollGuard::begin(&self.polled, ticket);
            work.as_mut().poll(context)
        })
        .await
    }
}

/// The time in which one has the thread.
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
    async fn who_has_the_thread_is_known_while_it_does() {
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
