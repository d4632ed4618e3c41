//! What ends the process when the deadline has passed and something still hangs.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// A bound on the rest of the process's life.
pub(super) struct Watchdog {
    disarm: Sender<()>,
    thread: JoinHandle<()>,
}

impl Watchdog {
    /// Calls `last_words` after `patience`, and ends the process with the code that it gives,
    /// unless [`disarm`](Self::disarm) is called before.
    pub(super) fn arm(
        patience: Duration,
        last_words: impl FnOnce() -> i32 + Send + 'static,
    ) -> std::io::Result<Self> {
        let (disarm, disarmed) = channel();
        let thread = std::thread::Builder::new()
            .name("watchdog".to_owned())
            .spawn(move || {
                if disarmed.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
                    signal_hook::low_level::exit(last_words());
                }
            })?;
        Ok(Self { disarm, thread })
    }

    /// The process ends by itself.
    pub(super) fn disarm(self) {
        let Self { disarm, thread } = self;
        drop(disarm);
        if thread.join().is_err() {
            log::error!("the watchdog panicked");
        }
    }
}
