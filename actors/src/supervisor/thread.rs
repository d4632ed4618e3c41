//! The arbiter of a child: start, stop and join, always with a timeout.

use std::cell::RefCell;
use std::io;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::Duration;

use actix_rt::{Arbiter, ArbiterHandle};
use tokio::time::{Instant, sleep};

use crate::config::Placement;

/// How often a stopping thread is checked.
const EXIT_POLL_INTERVAL: Duration = Duration::from_millis(1);

thread_local! {
    /// Dropped when the thread has nothing left to do but exit, so that joining it will not block.
    /// A channel without a waker: the runtime is gone by then.
    static END: RefCell<Option<Sender<()>>> = const { RefCell::new(None) };
}

/// The thread that a child runs on.
pub(super) struct ChildThread {
    name: String,
    kind: ThreadKind,
}

enum ThreadKind {
    Own { arbiter: Arbiter, end: Receiver<()> },
    Shared(ArbiterHandle),
}

impl ChildThread {
    pub(super) fn start(placement: Placement, child: &str, incarnation: u64) -> io::Result<Self> {
        let kind = match placement {
            Placement::Shared => ThreadKind::Shared(Arbiter::current()),
            Placement::OwnArbiters => {
                let arbiter = Arbiter::try_new()?;
                let (sender, end) = channel();
                arbiter.spawn_fn(move || {
                    lastcall_domain::mark_arbiter();
                    END.set(Some(sender));
                });
                ThreadKind::Own { arbiter, end }
            }
        };
        Ok(Self {
            name: format!("{child} #{incarnation}"),
            kind,
        })
    }

    pub(super) fn run(&self, f: impl FnOnce() + Send + 'static) {
        // If the arbiter is dead, `f` is dropped; callers that need to know use a drop guard.
        let _ = match &self.kind {
            ThreadKind::Own { arbiter, .. } => arbiter.spawn_fn(f),
            ThreadKind::Shared(arbiter) => arbiter.spawn_fn(f),
        };
    }

    pub(super) fn is_alive(&self) -> bool {
        match &self.kind {
            ThreadKind::Own { arbiter, .. } => arbiter.handle().alive(),
            ThreadKind::Shared(arbiter) => arbiter.alive(),
        }
    }

    /// Stops its own thread. A shared thread keeps running.
    pub(super) fn stop(&self) {
        if let ThreadKind::Own { arbiter, .. } = &self.kind {
            arbiter.stop();
        }
    }

    /// Its name, for messages.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether its thread has ended, or has nothing left to do but exit.
    pub(super) fn has_ended(&self) -> bool {
        match &self.kind {
            ThreadKind::Own { end, .. } => end.try_recv() == Err(TryRecvError::Disconnected),
            ThreadKind::Shared(_) => true,
        }
    }

    /// Stops its thread and joins it.
    ///
    /// # Errors
    /// The thread itself if it has not ended by `until`.
    pub(super) async fn end(self, until: Instant) -> Result<(), Self> {
        self.stop();
        while !self.has_ended() {
            if Instant::now() >= until {
                return Err(self);
            }
            sleep(EXIT_POLL_INTERVAL).await;
        }
        self.join();
        Ok(())
    }

    /// Joins its thread: at once where it [has ended](Self::has_ended).
    pub(super) fn join(self) {
        if let ThreadKind::Own { arbiter, .. } = self.kind {
            // A panic that unwound the whole thread was reported by the exit notices on it.
            let _ = arbiter.join();
        }
    }
}
