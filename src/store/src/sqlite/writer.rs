//! The one thread that writes: whatever arrives while it is at the disk goes there together,
//! in one transaction and one fsync.

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

/// Told to a caller once its transaction is on disk, or is not.
pub(super) type Reply = Box<dyn FnOnce(StoreResult<()>) + Send>;
/// One operation, on the transaction or on the reason why there is none. It gives a reply where
/// its caller waits for the disk.
pub(super) type Operation =
    Box<dyn FnOnce(Result<&mut WriteTransaction<'_>, StoreError>) -> Option<Reply> + Send>;

/// Operations that may wait for the thread; beyond it their callers wait.
pub(super) const WAITING: usize = 1_024;
/// Operations in one transaction: it bounds the memory for what is not yet in the log, and the
/// wait of the first for the last.
const GROUP: usize = 512;

/// Starts the thread. It ends when every sender is gone, after a last checkpoint; then it lets
/// go of the file.
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

/// A connection that is closed after those of the readers: the last one removes the files beside
/// the database, and where two are closed at once neither may find that it is the last.
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
    // Last, so that the connection is closed when the lock goes.
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
        // An error says that the last of them is gone.
        let _ = self.readers.recv();
        if let Err(error) = self.conn.pragma_update(None, "wal_checkpoint", "TRUNCATE") {
            log::warn!("cannot checkpoint the write-ahead log: {error}");
        }
    }

    /// Runs `first` and what waits behind it in one transaction, and answers them.
    fn group(&mut self, first: Operation) {
        let counts = self.memory.counts;
        self.memory.full = false;
        let begun = self
            .look_at_file()
            .and_then(|()| self.execute("BEGIN IMMEDIATE"));
        if let Err(error) = begun {
            first(Err(error));
            return;
        }
        let mut replies = Vec::new();
        let mut next = Some(first);
        let mut ran = 0;
        while let Some(operation) = next {
            // Not once for the group: what was asked for after a change may be in the same one.
            self.memory.limits = self.memory.live_limits.get();
            let mut unit = WriteTransaction {
                now: self.memory.clock.now(),
                conn: &self.conn,
                memory: &mut self.memory,
            };
            replies.extend(operation(Ok(&mut unit)));
            ran += 1;
            // SQLite itself takes the whole transaction back when the disk is full or broken.
            let over = ran == GROUP || self.conn.is_autocommit();
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

    /// Whether what is written will be found by the next process: SQLite goes on writing to a
    /// file that was removed.
    fn look_at_file(&self) -> StoreResult<()> {
        if self.file.is_in_place() {
            return self.memory.damage.look_at(self.file.file());
        }
        Err(StoreError::Unavailable(format!(
            "{} was removed or replaced while it was open",
            self.file.path().display()
        )))
    }

    fn commit(&self) -> StoreResult<()> {
        if self.conn.is_autocommit() && self.memory.full {
            return Err(super::error::full());
        }
        if self.conn.is_autocommit() {
            return Err(StoreError::Unavailable(
                "the database took the transaction back".to_owned(),
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

    /// A commit that failed leaves its transaction open.
    fn roll_back(&self) {
        if !self.conn.is_autocommit()
            && let Err(error) = self.execute("ROLLBACK")
        {
            log::error!("cannot roll back a failed transaction: {error}");
        }
    }

    /// Gives up the reserve, and lets the log begin anew.
    fn make_room(&self) {
        self.reserve.give_up();
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
        run().map_err(|fault| self.memory.damage.told(fault))
    }
}
