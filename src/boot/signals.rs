//! Signals, and the other reasons to stop.
//!
//! | signal | what it does |
//! |---|---|
//! | first SIGTERM or SIGINT | arms the watchdog, begins the shutdown |
//! | second | shortens the watchdog, work is handed back at once |
//! | third | ends the process |
//! | SIGHUP | the keys and the log's level are reloaded ([`reload`](super::reload)) |
//!
//! All of it happens on a dedicated thread, which waits for no other and writes nothing that could
//! block.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use lastcall_actors::{Escalation, Reason, Timeline};
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals as Incoming;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::sd_notify::Manager;
use super::threads;
use super::watchdog::Watchdog;

/// What a shell adds to a signal's number in an exit code.
const KILLED_BY: i32 = 128;

/// Our signals, blocked since this was created: they stay pending until they are handled, so that
/// they neither end the process nor get lost, not even in process 1.
#[derive(Debug)]
#[must_use = "signals stay blocked until they are released or listened to"]
pub(crate) struct BlockedSignals {
    before: Option<SigSet>,
}

impl BlockedSignals {
    /// Blocks them. Must be called before there is a second thread.
    pub(crate) fn block() -> Self {
        let before = ours().thread_swap_mask(SigmaskHow::SIG_BLOCK);
        Self {
            // If they cannot be blocked, they keep their default action.
            before: before.ok(),
        }
    }

    /// Unblocks them; pending ones are delivered.
    pub(crate) fn release(self) {
        if let Some(before) = self.before {
            // As above.
            let _ = before.thread_set_mask();
        }
    }
}

fn ours() -> SigSet {
    [Signal::SIGTERM, Signal::SIGINT, Signal::SIGHUP]
        .into_iter()
        .collect()
}

/// A reason to stop, and when it came.
#[derive(Clone, Debug)]
pub(super) struct Stop {
    /// The deadline is counted from here.
    pub(super) at: Instant,
    pub(super) cause: Cause,
}

/// Why the process is to stop.
#[derive(Clone, Debug)]
pub(super) enum Cause {
    /// SIGTERM, SIGINT or a request.
    Requested(Reason),
    /// A service exceeded its restart limit.
    Escalated(Escalation),
    /// The HTTP server ended by itself.
    ServerEnded(String),
}

impl Cause {
    /// The reason for the report.
    pub(super) fn reason(&self) -> Reason {
        match self {
            Self::Requested(reason) => *reason,
            Self::Escalated(_) | Self::ServerEnded(_) => Reason::Escalation,
        }
    }
}

/// Stops the process. Only the first reason counts, and it arms the watchdog.
#[derive(Clone)]
pub(super) struct Stops {
    sender: UnboundedSender<Stop>,
    begun: Arc<AtomicBool>,
    watchdog: Watchdog,
    timeline: Timeline,
    manager: Manager,
}

impl Stops {
    /// Stops the process. Returns `false` if that has already begun.
    pub(super) fn stop(&self, cause: Cause) -> bool {
        let first = !self.begun.swap(true, Ordering::AcqRel);
        if first {
            // The receiver is gone only when the process is ending anyway.
            let _ = self.sender.send(self.begin(cause));
        }
        first
    }

    /// A service exceeded its restart limit; the main thread already knows.
    pub(super) fn escalated(&self, escalation: Escalation) -> Stop {
        self.begun.store(true, Ordering::Release);
        self.begin(Cause::Escalated(escalation))
    }

    pub(super) fn watchdog(&self) -> &Watchdog {
        &self.watchdog
    }

    fn begin(&self, cause: Cause) -> Stop {
        let at = Instant::now();
        self.watchdog.arm((at + self.timeline.deadline).into_std());
        self.manager.stopping(self.timeline.deadline);
        Stop { at, cause }
    }

    /// The remaining time is what was planned from the hand-back on.
    fn expedite(&self) {
        let closing = self.timeline.deadline - self.timeline.drain_end;
        self.watchdog.arm((Instant::now() + closing).into_std());
    }
}

/// The signal thread.
pub(super) struct Signals {
    stops: Stops,
    receiver: tokio::sync::Mutex<UnboundedReceiver<Stop>>,
    second: watch::Receiver<bool>,
    hangup: Arc<Notify>,
}

impl Signals {
    /// Starts listening, beginning with pending signals.
    ///
    /// Signals stay blocked on all other threads: the kernel delivers one to any thread that
    /// accepts it, which may be one that hangs.
    pub(super) fn listen(
        _held: BlockedSignals,
        timeline: Timeline,
        watchdog: Watchdog,
        manager: Manager,
    ) -> anyhow::Result<Self> {
        let incoming = Incoming::new([SIGTERM, SIGINT, SIGHUP]);
        let incoming = incoming.context("cannot listen to signals")?;
        let (sender, receiver) = unbounded_channel();
        let (second, is_second) = watch::channel(false);
        let stops = Stops {
            sender,
            begun: Arc::default(),
            watchdog,
            timeline,
            manager,
        };
        let hangup = Arc::new(Notify::new());
        let (thread_stops, thread_hangup) = (stops.clone(), Arc::clone(&hangup));
        std::thread::Builder::new()
            .name(threads::SIGNALS.to_owned())
            .spawn(move || recv(incoming, &thread_stops, &second, &thread_hangup))
            .context("cannot start the signal thread")?;
        Ok(Self {
            stops,
            receiver: tokio::sync::Mutex::new(receiver),
            second: is_second,
            hangup,
        })
    }

    /// Waits for a reason to stop.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(super) async fn stop(&self) -> Stop {
        match self.receiver.lock().await.recv().await {
            Some(stop) => stop,
            // Unreachable: `self` holds a sender.
            None => std::future::pending().await,
        }
    }

    /// Waits for the second signal.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(super) async fn second(&self) {
        let mut second = self.second.clone();
        if second.wait_for(|received| *received).await.is_err() {
            // Unreachable: the thread that sends it lives as long as the process.
            std::future::pending().await
        }
    }

    /// Waits for SIGHUP; one that came before counts.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(super) async fn hangup(&self) {
        self.hangup.notified().await;
    }

    /// When each phase of a shutdown ends.
    pub(super) fn timeline(&self) -> Timeline {
        self.stops.timeline
    }

    /// Stops the process from within.
    pub(super) fn stops(&self) -> &Stops {
        &self.stops
    }
}

fn recv(mut incoming: Incoming, stops: &Stops, second: &watch::Sender<bool>, hangup: &Notify) {
    // The parent process may have left them blocked.
    let _ = ours().thread_unblock();
    let mut count = 0;
    for signal in incoming.forever() {
        if signal == SIGHUP {
            hangup.notify_one();
            continue;
        }
        count += 1;
        match count {
            1 => {
                let reason = if signal == SIGINT {
                    Reason::Sigint
                } else {
                    Reason::Sigterm
                };
                if !stops.stop(Cause::Requested(reason)) {
                    log::info!("first signal: the shutdown is already in progress");
                }
            }
            2 => {
                stops.expedite();
                second.send_replace(true);
            }
            // Exit at once: unfinished jobs run again, and the caller is waiting.
            _ => signal_hook::low_level::exit(KILLED_BY + signal),
        }
    }
}
