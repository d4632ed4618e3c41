//! Ends the process after its deadline, whatever hangs.
//!
//! It is armed by whoever hears of the end first, on any thread, and never disarmed: it watches
//! until the process is gone. It waits for nobody: its last words are said by a thread that it
//! leaves behind.

use std::sync::mpsc::channel;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use lastcall_actors::shutdown::EXIT_HANDED_BACK;

use super::threads;
use crate::logging::LogWriter;

/// How long after a deadline the process is ended.
const GRACE: Duration = Duration::from_millis(150);
/// How long the last words may take: a report on a disk that hangs is not waited for.
const LAST_WORDS_TIMEOUT: Duration = Duration::from_millis(150);

/// Bounds the rest of the process's life. Every clone is the same.
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
    last_words: LastWords,
}

type LastWords = Box<dyn FnOnce() + Send>;

impl Watchdog {
    /// Starts the thread. It does nothing until it is [armed](Self::arm).
    pub(super) fn start(log: LogWriter) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                end: None,
                exit_code: EXIT_HANDED_BACK,
                last_words: Box::new(|| log::error!("the deadline passed during the start")),
            }),
            changed: Condvar::new(),
        });
        let watched = Arc::clone(&shared);
        std::thread::Builder::new()
            .name(threads::WATCHDOG.to_owned())
            .spawn(move || watched.watch(&log))
            .context("the thread of the watchdog cannot be started")?;
        Ok(Self { shared })
    }

    /// The process is to be gone by `deadline`. Of several the earliest counts.
    pub(super) fn arm(&self, deadline: Instant) {
        let end = deadline + GRACE;
        let mut state = self.shared.lock();
        if state.end.is_none_or(|before| end < before) {
            state.end = Some(end);
            self.shared.changed.notify_one();
        }
    }

    /// Where the time runs out from now on, `last_words` are said and the exit code is this.
    pub(super) fn expire_with(&self, exit_code: i32, last_words: impl FnOnce() + Send + 'static) {
        let mut state = self.shared.lock();
        state.exit_code = exit_code;
        state.last_words = Box::new(last_words);
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
        let words = std::mem::replace(&mut state.last_words, Box::new(|| {}));
        drop(state);
        say(words, log.clone());
        signal_hook::low_level::exit(exit_code);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says the last words and writes the log out, for as long as that may take.
fn say(words: LastWords, log: LogWriter) {
    let end = Instant::now() + LAST_WORDS_TIMEOUT;
    let (said, all_is_said) = channel();
    let speaker = std::thread::Builder::new().name(threads::LAST_WORDS.to_owned());
    let speaker = speaker.spawn(move || {
        words();
        log.flush(end);
        // Nobody listens where the time is over.
        let _ = said.send(());
    });
    if speaker.is_ok() {
        let _ = all_is_said.recv_timeout(LAST_WORDS_TIMEOUT);
    }
}
