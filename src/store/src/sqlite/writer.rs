//! The one thread that writes: operations that arrive during a commit share the next one, with one
//! transaction and one fsync.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;

use lastcall_domain::{StoreError, StoreResult};
use rusqlite::Connection;
use tokio::sync::mpsc;

use super::error::{Fault, Sql};
use super::open::Owned;
use super::readers::Closed;
use super::reserve::{Reserve, Upkeep};
use super::transaction::{Memory, WriteTransaction};

/// Replies to a caller once its transaction is committed, or has failed.
pub(super) type Reply = Box<dyn FnOnce(StoreResult<()>) + Send>;
/// One operation, on the transaction or on the reason why there is none. It returns a reply if its
/// caller waits for the commit.
pub(super) type Operation =
    Box<dyn FnOnce(Result<&mut WriteTransaction<'_>, StoreError>) -> Option<Reply> + Send>;

/// The most queued operations; beyond it, callers wait.
pub(super) const MAX_QUEUED: usize = 1_024;
/// The most operations in one transaction: bounds the memory for uncommitted changes, and the wait
/// of the first operation for the last.
const MAX_GROUP: usize = 512;

/// Starts the thread. It ends when every sender is gone, after a last checkpoint, and then releases
/// the file.
pub(super) fn start(
    file: Arc<Owned>,
    reserve: Arc<Reserve>,
    connection: LastConnection,
    memory: Memory,
    operations: mpsc::Receiver<Operation>,
) -> io::Result<JoinHandle<()>> {
    let writer = Writer {
        conn: connection.conn,
        readers: connection.readers,
        memory,
        operations,
        reserve,
        upkeep: Upkeep::default(),
        file,
    };
    std::thread::Builder::new()
        .name("store-writer".to_owned())
        .spawn(move || writer.run())
}

/// A connection that is closed after those of the readers: the last one to close removes the files
/// beside the database, and if two close concurrently, neither may notice that it is the last.
pub(super) struct LastConnection {
    pub(super) conn: Connection,
    pub(super) readers: Closed,
}

struct Writer {
    conn: Connection,
    readers: Closed,
    memory: Memory,
    operations: mpsc::Receiver<Operation>,
    reserve: Arc<Reserve>,
    upkeep: Upkeep,
    // Last, so that the connection is closed before the lock is released.
    file: Arc<Owned>,
}

impl Writer {
    fn run(mut self) {
        self.reserve.keep(&mut self.upkeep);
        while let Some(first) = self.operations.blocking_recv() {
            if self.reserve.take_need() {
                self.make_room();
            }
            self.group(first);
            self.reserve.keep(&mut self.upkeep);
        }
        // An error means that the last one is closed.
        let _ = self.readers.recv();
        if let Err(error) = self.conn.pragma_update(None, "wal_checkpoint", "TRUNCATE") {
            log::warn!("cannot checkpoint the write-ahead log: {error}");
        }
    }

    /// Runs `first` and the queued operations in one transaction, and replies to them.
    fn group(&mut self, first: Operation) {
        let counts = self.memory.counts;
        self.memory.full = false;
        let begun = self
            .check_files()
            .and_then(|()| self.execute("BEGIN IMMEDIATE"));
        if let Err(error) = begun {
            self.refuse(first, &error);
            return;
        }
        let mut replies = Vec::new();
        let mut next = Some(first);
        let mut ran = 0;
        while let Some(operation) = next {
            // Not once for the group: it may contain operations from after a change.
            self.memory.limits = self.memory.live_limits.get();
            let mut unit = WriteTransaction {
                now: self.memory.clock.now(),
                conn: &self.conn,
                memory: &mut self.memory,
            };
            replies.extend(operation(Ok(&mut unit)));
            ran += 1;
            // SQLite itself rolls the whole transaction back when the disk is full or broken.
            let over = ran == MAX_GROUP || self.conn.is_autocommit();
            next = if over {
                None
            } else {
                self.operations.try_recv().ok()
            };
        }
        let committed = self.commit();
        self.memory.close_transaction(committed.is_ok());
        if committed.is_err() {
            self.memory.counts = counts;
            self.memory.publish();
        }
        for reply in replies {
            reply(committed.clone());
        }
    }

    /// Fails `first` and the queued operations. Each of them would wait as long as `first` did for
    /// the same lock, one after the other.
    fn refuse(&mut self, first: Operation, error: &StoreError) {
        first(Err(error.clone()));
        // Bounded, because callers may retry at once.
        for _ in 0..MAX_QUEUED {
            let Ok(next) = self.operations.try_recv() else {
                return;
            };
            next(Err(error.clone()));
        }
    }

    /// Checks that the next process will find what is written: SQLite would go on writing to files
    /// that were removed.
    fn check_files(&self) -> StoreResult<()> {
        self.file.check_in_place()?;
        if let Err(error) = self.file.check_log() {
            self.save_log();
            return Err(error);
        }
        self.memory.damage.check_header(self.file.file())
    }

    /// Copies the log, which only this process still has, into the database. What it holds is
    /// acknowledged and would be lost if this process were killed.
    fn save_log(&self) {
        // Waits for nobody. Every refused operation continues where a reader stopped it.
        if let Err(error) = self.conn.pragma_update(None, "wal_checkpoint", "PASSIVE") {
            log::warn!("cannot save the removed write-ahead log: {error}");
        }
    }

    fn commit(&self) -> StoreResult<()> {
        if self.conn.is_autocommit() && self.memory.full {
            return Err(super::error::full());
        }
        if self.conn.is_autocommit() {
            return Err(StoreError::Unavailable(
                "the database rolled the transaction back".to_owned(),
            ));
        }
        let committed = self.execute("COMMIT");
        if committed.is_err() {
            self.roll_back();
        }
        committed.map_err(|error| match error {
            StoreError::Failed(what) => StoreError::Unavailable(what),
            other => other,
        })
    }

    /// A failed commit leaves its transaction open.
    fn roll_back(&self) {
        if !self.conn.is_autocommit()
            && let Err(error) = self.execute("ROLLBACK")
        {
            log::error!("cannot roll back a failed transaction: {error}");
        }
    }

    /// Releases the reserve, and restarts the log.
    fn make_room(&self) {
        self.reserve.release();
        if let Err(error) = self.conn.pragma_update(None, "wal_checkpoint", "TRUNCATE") {
            log::debug!("the log of the database was not emptied: {error}");
        }
    }

    fn execute(&self, text: &str) -> StoreResult<()> {
        let run = || -> Sql<()> {
            let mut statement = self.conn.prepare_cached(text).map_err(Fault::from)?;
            statement.execute([])?;
            Ok(())
        };
        run().map_err(|fault| self.memory.damage.convert(fault))
    }
}
