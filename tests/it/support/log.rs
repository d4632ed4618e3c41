//! The log of a process, read as it is written.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::TIMEOUT;

/// What was read so far, and whether that is all.
#[derive(Default)]
struct ReadLines {
    lines: Vec<String>,
    ended: bool,
}

/// The lines of a stream; a thread reads them.
pub(crate) struct Log {
    shared: Arc<(Mutex<ReadLines>, Condvar)>,
    reader: Option<JoinHandle<()>>,
}

impl Log {
    pub(crate) fn of(stream: impl Read + Send + 'static) -> Self {
        let shared = Arc::new((Mutex::new(ReadLines::default()), Condvar::new()));
        let theirs = Arc::clone(&shared);
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(stream).split(b'\n') {
                let Ok(line) = line else { break };
                let line = String::from_utf8_lossy(&line).into_owned();
                theirs
                    .0
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .lines
                    .push(line);
                theirs.1.notify_all();
            }
            theirs
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .ended = true;
            theirs.1.notify_all();
        });
        Self {
            shared,
            reader: Some(reader),
        }
    }

    /// What was written so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.shared
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .lines
            .clone()
    }

    /// Waits for a line whose message is accepted; `None` where the stream ends without one.
    ///
    /// # Panics
    /// Where neither happens in time.
    #[track_caller]
    pub(crate) fn wait_for(&self, what: &str, accept: impl Fn(&str) -> bool) -> Option<String> {
        let end = Instant::now() + TIMEOUT;
        let mut read = self.shared.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut seen = 0;
        loop {
            if let Some(line) = read.lines[seen..].iter().find(|line| accept(message(line))) {
                return Some(message(line).to_owned());
            }
            if read.ended {
                return None;
            }
            seen = read.lines.len();
            let left = end.saturating_duration_since(Instant::now());
            assert!(left > Duration::ZERO, "the log never said: {what}");
            read = self
                .shared
                .1
                .wait_timeout(read, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Everything, once the stream has ended.
    pub(crate) fn finish(&mut self) -> Vec<String> {
        if let Some(reader) = self.reader.take() {
            reader.join().unwrap();
        }
        self.lines()
    }
}

/// A line without its time, level and module.
pub(crate) fn message(line: &str) -> &str {
    match line.split_once("] ") {
        Some((head, message)) if head.starts_with('[') => message,
        _ => line,
    }
}
