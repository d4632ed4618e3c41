//! A bound on the time for which a client takes nothing of what it is sent.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, Sleep, sleep};

use crate::state::ApiState;

/// How often a client that takes nothing is looked at, as parts of the time that it has.
const LOOKS: u32 = 8;

/// Watches one place where a client may hold up what it is sent.
pub(crate) struct Stall {
    state: Arc<ApiState>,
    waiting: Option<Waiting>,
}

/// A write that the client does not let through.
struct Waiting {
    since: Instant,
    look: Pin<Box<Sleep>>,
}

impl Stall {
    /// Nothing is held up.
    pub(crate) fn new(state: Arc<ApiState>) -> Self {
        Self {
            state,
            waiting: None,
        }
    }

    /// The client took something.
    pub(crate) fn progressed(&mut self) {
        self.waiting = None;
    }

    /// The client took nothing: an error once that has been so for too long.
    pub(crate) fn poll_timeout(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        let timeout = self.state.stall_timeout(self.state.config.write_timeouts);
        let interval = self.state.config.write_timeouts.stopping / LOOKS;
        let waiting = self.waiting.get_or_insert_with(|| Waiting {
            since: Instant::now(),
            look: Box::pin(sleep(interval)),
        });
        while waiting.since.elapsed() < timeout {
            ready!(waiting.look.as_mut().poll(context));
            waiting.look.as_mut().reset(Instant::now() + interval);
        }
        let detail = format!("the client takes nothing for {timeout:?}");
        Poll::Ready(io::Error::new(io::ErrorKind::TimedOut, detail))
    }
}
