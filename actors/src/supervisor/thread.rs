//! The arbiter of a child: started, stopped and joined, always with a timeout.

use std::cell::RefCell;
use std::io;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::time::Duration;

use actix_rt::{Arbiter, ArbiterHandle};
use tokio::time::{Instant, sleep};

use crate::config::Placement;

/// How often a thread that is to end is looked at.
const LOOK: Duration = Duration::from_millis(1);

thread_local! {
    /// Dropped when the thread has nothing left to run but its own end, which is how others see
    /// that joining it will not wait. A channel without a waker: the runtime is gone by then.
    static END: RefCell<Option<Sender<()>>> = const { RefCell::new(None) };
}

/// Where a child lives.
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
        // Where it is dead, `f` is dropped; who cares has put a destructor into it.
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

    /// Tells its thread to end. A shared one goes on.
    pub(super) fn stop(&self) {
        if let ThreadKind::Own { arbiter, .. } = &self.kind {
            arbiter.stop();
        }
    }

    /// Its name, for people.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether its thread has ended, or has nothing left to do but that.
    pub(super) fn has_ended(&self) -> bool {
        match &self.kind {
            ThreadKind::Own { end, .. } => end.try_recv() == Err(TryRecvError::Disconnected),
            ThreadKind::Shared(_) => true,
        }
    }

    /// Stops its thread and joins it.
    ///
    /// # Errors
    /// The host itself where the thread has not ended by `until`.
    pub(super) async fn end(self, until: Instant) -> Result<(), Self> {
        self.stop();
        while !self.has_ended() {
            if Instant::now() >= until {
                return Err(self);
            }
            sleep(LOOK).await;
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
