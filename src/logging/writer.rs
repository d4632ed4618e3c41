//! Writes the log on its own thread, so that a blocked stream (a full pipe, a stalled terminal, a
//! slow disk) does not block those who log.
//!
//! Lines wait in a bounded queue. Lines that find no room are dropped and counted; a line in their
//! place reports how many, as soon as the log can be written again.

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;

/// The name of the thread.
pub(crate) const THREAD: &str = "log-writer";
/// Bytes of lines that may wait.
const CAPACITY: usize = 1 << 20;
/// The overhead of a line, in bytes.
const LINE_COST: usize = 64;
/// The pause before a full non-blocking stream is tried again.
const RETRY_INTERVAL: Duration = Duration::from_millis(10);

/// Writes to the log's stream. Cheap to clone; clones share their state.
#[derive(Clone)]
pub(crate) struct LogWriter {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// There is something to write.
    added: Condvar,
    /// Something was written.
    written: Condvar,
}

struct State {
    queue: VecDeque<Entry>,
    /// What the queue costs.
    bytes: usize,
    /// An entry is being written.
    writing: bool,
    /// Lines dropped since the process began.
    dropped: u64,
    note: fn(u64) -> String,
}

enum Entry {
    Line(Vec<u8>),
    /// This many lines were dropped here.
    Dropped(u64),
}

impl LogWriter {
    /// Starts the thread, which writes to standard error.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub(crate) fn to_stderr() -> anyhow::Result<Self> {
        // Not locked: the standard library holds its lock while a write blocks, and a panicking
        // thread would wait for it.
        Self::start(|bytes| write_all(io::stderr().as_fd(), bytes))
    }

    fn start(
        mut write: impl FnMut(&[u8]) -> io::Result<()> + Send + 'static,
    ) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                queue: VecDeque::new(),
                bytes: 0,
                writing: false,
                dropped: 0,
                note: super::dropped_lines_as_text,
            }),
            added: Condvar::new(),
            written: Condvar::new(),
        });
        let written = Arc::clone(&shared);
        std::thread::Builder::new()
            .name(THREAD.to_owned())
            .spawn(move || written.write_forever(&mut write))
            .context("cannot start the log thread")?;
        Ok(Self { shared })
    }

    /// Sets the format of the line that reports dropped lines.
    pub(crate) fn note_drops_with(&self, note: fn(u64) -> String) {
        self.shared.lock().note = note;
    }

    /// Queues a line. Never blocks.
    pub(crate) fn line(&self, line: Vec<u8>) {
        self.shared.lock().push(line);
        self.shared.added.notify_one();
    }

    /// How many lines were dropped.
    pub(crate) fn dropped(&self) -> u64 {
        self.shared.lock().dropped
    }

    /// Waits until everything is written, or until `until`. Returns whether it is.
    pub(crate) fn flush(&self, until: Instant) -> bool {
        let mut state = self.shared.lock();
        while state.writing || !state.queue.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.shared.written.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

/// env_logger writes a whole record at once.
impl io::Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.line(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn write_forever(&self, write: &mut impl FnMut(&[u8]) -> io::Result<()>) {
        loop {
            let entry = self.next();
            if write(&entry).is_err() {
                self.lock().drop_line();
            }
            self.lock().writing = false;
            self.written.notify_all();
        }
    }

    /// Waits for the next entry, as it is to be written.
    fn next(&self) -> Vec<u8> {
        let mut state = self.lock();
        loop {
            if let Some(entry) = state.queue.pop_front() {
                state.writing = true;
                return match entry {
                    Entry::Line(line) => {
                        state.bytes -= line.len() + LINE_COST;
                        line
                    }
                    Entry::Dropped(count) => (state.note)(count).into_bytes(),
                };
            }
            state = self
                .added
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn push(&mut self, line: Vec<u8>) {
        let cost = line.len() + LINE_COST;
        if self.bytes + cost > CAPACITY {
            self.drop_line();
            match self.queue.back_mut() {
                Some(Entry::Dropped(count)) => *count += 1,
                _ => self.queue.push_back(Entry::Dropped(1)),
            }
        } else {
            self.bytes += cost;
            self.queue.push_back(Entry::Line(line));
        }
    }

    fn drop_line(&mut self) {
        self.dropped += 1;
    }
}

/// Writes all of it, to a stream that blocks or does not.
fn write_all(stream: impl AsFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match nix::unistd::write(stream.as_fd(), bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(nix::errno::Errno::EINTR) => {}
            Err(nix::errno::Errno::EAGAIN) => std::thread::park_timeout(RETRY_INTERVAL),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(60);

    /// A stream that accepts a line whenever the test permits one.
    fn slow() -> (LogWriter, Receiver<String>) {
        let (taken, lines): (SyncSender<String>, _) = sync_channel(0);
        let write = move |bytes: &[u8]| {
            let line = String::from_utf8_lossy(bytes).into_owned();
            taken.send(line).map_err(io::Error::other)
        };
        (LogWriter::start(write).unwrap(), lines)
    }

    #[test]
    fn lines_come_out_in_their_order_and_all_of_them_are_flushed() {
        let (writer, lines) = slow();
        let reader = std::thread::spawn(move || lines.iter().take(100).collect::<Vec<_>>());
        for number in 0..100 {
            writer.line(format!("line {number}\n").into_bytes());
        }
        assert!(writer.flush(Instant::now() + TIMEOUT));
        let lines = reader.join().unwrap();
        let expected: Vec<_> = (0..100).map(|number| format!("line {number}\n")).collect();
        assert_eq!(lines, expected);
        assert_eq!(writer.dropped(), 0);
    }

    #[test]
    fn what_finds_no_room_is_counted_and_the_log_says_so_in_its_place() {
        let (writer, lines) = slow();
        writer.line(b"first\n".to_vec());
        while !writer.shared.lock().writing {
            std::thread::yield_now();
        }
        let long = "x".repeat(CAPACITY / 4);
        for _ in 0..10 {
            writer.line(long.clone().into_bytes());
        }
        let dropped = writer.dropped();
        assert_eq!(dropped, 7, "three have room");
        assert!(!writer.flush(Instant::now()), "nobody reads");
        assert_eq!(lines.recv_timeout(TIMEOUT).unwrap(), "first\n");
        for _ in 0..3 {
            assert_eq!(lines.recv_timeout(TIMEOUT).unwrap(), long);
        }
        writer.line(b"afterwards\n".to_vec());
        let note = lines.recv_timeout(TIMEOUT).unwrap();
        assert!(note.contains("7 lines of the log dropped"), "{note}");
        assert_eq!(lines.recv_timeout(TIMEOUT).unwrap(), "afterwards\n");
        assert_eq!(writer.dropped(), dropped);
    }

    #[test]
    fn lines_that_the_stream_refuses_are_counted() {
        let refuse = |_: &[u8]| Err(io::ErrorKind::BrokenPipe.into());
        let writer = LogWriter::start(refuse).unwrap();
        writer.line(b"a\n".to_vec());
        writer.line(b"b\n".to_vec());
        assert!(writer.flush(Instant::now() + TIMEOUT));
        assert_eq!(writer.dropped(), 2);
    }

    #[test]
    fn the_note_about_dropped_lines_is_a_line_like_any_other() {
        let note = super::super::dropped_lines_as_text(1);
        assert!(note.starts_with('[') && note.ends_with('\n'), "{note}");
        assert!(
            note.contains(" WARN  lastcall::logging] 1 line of the log dropped"),
            "{note}"
        );
    }
}
