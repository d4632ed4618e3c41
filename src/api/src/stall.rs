//! Bounds the time for which a client reads nothing of what it is sent.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, Sleep, sleep};

use crate::state::ApiState;

/// How often a stalled client is checked within its shortest timeout.
const CHECKS: u32 = 8;

/// Detects a stalled client on one connection or stream.
pub(crate) struct Stall {
    state: Arc<ApiState>,
    waiting: Option<Waiting>,
}

/// A blocked write.
struct Waiting {
    since: Instant,
    next_check: Pin<Box<Sleep>>,
}

impl Stall {
    /// Nothing is blocked.
    pub(crate) fn new(state: Arc<ApiState>) -> Self {
        Self {
            state,
            waiting: None,
        }
    }

    /// The client has read something.
    pub(crate) fn progressed(&mut self) {
        self.waiting = None;
    }

    /// The client has read nothing: an error once that has lasted too long.
    pub(crate) fn poll_timeout(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let timeout = self.state.stall_timeout(self.state.config.write_timeouts);
        let interval = self.state.config.write_timeouts.stopping / CHECKS;
        let waiting = self.waiting.get_or_insert_with(|| Waiting {
            since: Instant::now(),
            next_check: Box::pin(sleep(interval)),
        });
        while waiting.since.elapsed() < timeout {
            ready!(waiting.next_check.as_mut().poll(context));
            waiting.next_check.as_mut().reset(Instant::now() + interval);
        }
        let detail = format!("the client has read nothing for {timeout:?}");
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, detail))
    }
}
