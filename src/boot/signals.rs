//! Signals, and the other reasons to stop, in the order in which they come.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread::JoinHandle;

use anyhow::Context as _;
use lastcall_actors::{Escalation, Reason};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals as Incoming};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Signals after which the process ends on the spot.
const PATIENCE: usize = 3;
/// What a shell adds to a signal's number in an exit code.
const KILLED_BY: i32 = 128;

/// A reason to stop.
#[derive(Clone, Debug)]
pub(super) enum Stop {
    /// SIGTERM, SIGINT or a request.
    Asked(Reason),
    /// A service died too often.
    Escalated(Escalation),
    /// The HTTP server ended by itself.
    ServerEnded(String),
}

impl Stop {
    /// The reason for the report.
    pub(super) fn reason(&self) -> Reason {
        match self {
            Self::Asked(reason) => *reason,
            Self::Escalated(_) | Self::ServerEnded(_) => Reason::Escalation,
        }
    }
}

/// Listens on a thread of its own, so that a third signal is heard whatever the rest does.
pub(super) struct Signals {
    sender: UnboundedSender<Stop>,
    receiver: tokio::sync::Mutex<UnboundedReceiver<Stop>>,
    handle: Handle,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Signals {
    /// Begins to listen.
    pub(super) fn listen() -> anyhow::Result<Self> {
        let mut incoming =
            Incoming::new([SIGTERM, SIGINT]).context("signals cannot be listened to")?;
        let handle = incoming.handle();
        let (sender, receiver) = unbounded_channel();
        let tell = sender.clone();
        let thread = std::thread::Builder::new()
            .name("signals".to_owned())
            .spawn(move || {
                for (heard, signal) in (1..).zip(incoming.forever()) {
                    if heard >= PATIENCE {
                        log::warn!("third signal: ending at once, what is unfinished runs again");
                        signal_hook::low_level::exit(KILLED_BY + signal);
                    }
                    let reason = if signal == SIGINT {
                        Reason::Sigint
                    } else {
                        Reason::Sigterm
                    };
                    // Nobody listens any more only when the process is ending anyway.
                    let _ = tell.send(Stop::Asked(reason));
                }
            })
            .context("the thread for signals cannot be started")?;
        Ok(Self {
            sender,
            receiver: tokio::sync::Mutex::new(receiver),
            handle,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// The next reason to stop.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(super) async fn next(&self) -> Stop {
        let stop = self.receiver.lock().await.recv().await;
        match stop {
            Some(stop) => stop,
            // Never so: `self` holds a sender.
            None => std::future::pending().await,
        }
    }

    /// A way to stop the process from within.
    pub(super) fn sender(&self) -> UnboundedSender<Stop> {
        self.sender.clone()
    }

    /// Stops listening and joins the thread.
    pub(super) fn close(&self) {
        self.handle.close();
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            log::error!("the thread for signals panicked");
        }
    }
}
