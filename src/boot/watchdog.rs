//! Ends the process after its deadline, whatever hangs.
//!
//! It is armed by the first thread that learns of the shutdown, and never disarmed: it watches
//! until the process has exited. It waits for nobody: its report is written by another thread,
//! which it abandons.

use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use lastcall_actors::shutdown::EXIT_HANDED_BACK;

use super::threads;
use crate::logging::LogWriter;

/// How long after the deadline the process is ended.
const GRACE: Duration = Duration::from_millis(150);
/// How long the report may take: a hung disk is not waited for.
const REPORT_TIMEOUT: Duration = Duration::from_millis(150);

/// Bounds how long the process may still run. Clones share their state.
#[derive(Clone)]
pub(super) struct Watchdog {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    end: Option<Instant>,
    exit_code: i32,
    write_report: WriteReport,
}

type WriteReport = Box<dyn FnOnce() + Send>;

impl Watchdog {
    /// Starts the thread. It does nothing until it is [armed](Self::arm).
    pub(super) fn start(log: LogWriter) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                end: None,
                exit_code: EXIT_HANDED_BACK,
                write_report: Box::new(|| log::error!("the deadline passed during the start")),
            }),
            changed: Condvar::new(),
        });
        let watched = Arc::clone(&shared);
        std::thread::Builder::new()
            .name(threads::WATCHDOG.to_owned())
            .spawn(move || watched.watch(&log))
            .context("cannot start the watchdog thread")?;
        Ok(Self { shared })
    }

    /// The process must have exited by `deadline`. The earliest deadline counts.
    pub(super) fn arm(&self, deadline: Instant) {
        let end = deadline + GRACE;
        let mut state = self.shared.lock();
        if state.end.is_none_or(|before| end < before) {
            state.end = Some(end);
            self.shared.changed.notify_one();
        }
    }

    /// Sets the exit code, and the report to write, for when time runs out.
    pub(super) fn expire_with(&self, exit_code: i32, write_report: impl FnOnce() + Send + 'static) {
        let mut state = self.shared.lock();
        state.exit_code = exit_code;
        state.write_report = Box::new(write_report);
    }
}

impl Shared {
    fn watch(&self, log: &LogWriter) {
        let mut state = self.lock();
        loop {
            let left = state.end.map(|end| end - Instant::now().min(end));
            state = match left {
                None => self
                    .changed
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => break,
                Some(left) => {
                    let waited = self.changed.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        let exit_code = state.exit_code;
        let write_report = std::mem::replace(&mut state.write_report, Box::new(|| {}));
        drop(state);
        report(write_report, log.clone());
        signal_hook::low_level::exit(exit_code);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes the report and flushes the log, within a bound.
fn report(write_report: WriteReport, log: LogWriter) {
    let end = Instant::now() + REPORT_TIMEOUT;
    let (done, all_done) = channel();
    let reporter = std::thread::Builder::new().name(threads::WATCHDOG_REPORT.to_owned());
    let reporter = reporter.spawn(move || {
        write_report();
        log.flush(end);
        // The receiver is gone if time ran out.
        let _ = done.send(());
    });
    if reporter.is_ok() {
        let _ = all_done.recv_timeout(REPORT_TIMEOUT);
    }
}
