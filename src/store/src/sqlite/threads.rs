//! The threads of an open file, and how calls reach them.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::JoinHandle;

use lastcall_domain::{Clock, Limits, OwnerLimits, StoreError, StoreResult};
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::damage::Damage;
use super::error::{Fault, Sql};
use super::lock_timeout::wait_for_locks;
use super::open::Owned;
use super::readers::{self, Query};
use super::reserve::Reserve;
use super::transaction::{Counts, Memory, OpenTransaction, WriteTransaction};
use super::writer::{self, LastConnection, Operation, Reply};
use crate::live_limits::LiveLimits;
use crate::unconfirmed::UnconfirmedClaims;

/// How often the reserve is released for one operation.
const TRIES_ON_FULL: u32 = 6;

/// When a write returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// After its commit.
    AfterCommit,
    /// Before its commit, so that a crash may undo it.
    BeforeCommit,
}

/// The threads, and their queues.
#[derive(Debug)]
pub(super) struct Threads {
    senders: RwLock<Option<Senders>>,
    handles: Mutex<Vec<JoinHandle<()>>>,
    counts: Arc<Mutex<Counts>>,
    limits: Arc<LiveLimits>,
    unconfirmed: Arc<UnconfirmedClaims>,
    damage: Arc<Damage>,
    reserve: Arc<Reserve>,
    /// Whether the writer must not wait long for locks any more.
    closing: Arc<AtomicBool>,
}

#[derive(Clone)]
struct Senders {
    writes: mpsc::Sender<Operation>,
    reads: mpsc::Sender<Query>,
}

impl std::fmt::Debug for Senders {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Senders")
    }
}

impl Threads {
    /// Opens the file and starts the threads.
    pub(super) fn start(path: &Path, clock: Arc<dyn Clock>, limits: Limits) -> StoreResult<Self> {
        let file = Arc::new(Owned::take(path)?);
        let reserve = Arc::new(Reserve::beside(path));
        reserve.release_if_full();
        let (mut writer, readers, counts) = match open_all(&file) {
            Err(StoreError::NoSpace(_)) => {
                reserve.release();
                open_all(&file)?
            }
            opened => opened?,
        };
        let closing = Arc::<AtomicBool>::default();
        wait_for_locks(&mut writer, Arc::clone(&closing)).map_err(Fault::from)?;
        let published = Arc::new(Mutex::new(counts));
        let live_limits = Arc::new(LiveLimits::new(limits));
        let unconfirmed = Arc::<UnconfirmedClaims>::default();
        let memory = Memory {
            clock,
            live_limits: Arc::clone(&live_limits),
            limits,
            counts,
            published: Arc::clone(&published),
            open: OpenTransaction::default(),
            unconfirmed: Arc::clone(&unconfirmed),
            burned_epochs: std::collections::HashMap::new(),
            rotations: std::collections::HashMap::new(),
            quarantined: crate::quarantine::QuarantinedJobs::default(),
            damage: Arc::default(),
            full: false,
        };
        let damage = Arc::clone(&memory.damage);
        let (writes, operations) = mpsc::channel(writer::MAX_QUEUED);
        let (reads, queries) = mpsc::channel(readers::MAX_QUEUED);
        let no_thread = |error: std::io::Error| {
            StoreError::Unavailable(format!("cannot start a thread: {error}"))
        };
        let (mut handles, closed) = readers::start(&file, readers, queries).map_err(no_thread)?;
        let connection = LastConnection {
            conn: writer,
            readers: closed,
        };
        let writer = writer::start(file, Arc::clone(&reserve), connection, memory, operations);
        handles.push(writer.map_err(no_thread)?);
        Ok(Self {
            senders: RwLock::new(Some(Senders { writes, reads })),
            handles: Mutex::new(handles),
            counts: published,
            limits: live_limits,
            unconfirmed,
            damage,
            reserve,
            closing,
        })
    }

    /// Fails if the file is known to be damaged.
    pub(super) fn check(&self) -> StoreResult<()> {
        self.damage.check()
    }

    /// Sets what one owner may have at once, from the next operation on.
    pub(super) fn limit_owners(&self, limits: OwnerLimits) {
        self.limits.limit_owners(limits);
    }

    /// The counts as they are now.
    pub(super) fn counts(&self) -> StoreResult<Counts> {
        self.senders()?;
        Ok(*self.counts.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether there are lost claims to undo.
    pub(super) fn has_lost_claims(&self) -> bool {
        !self.unconfirmed.lost().is_empty()
    }

    /// Runs `operation` on the writer, atomically.
    ///
    /// # Cancel safety
    /// Once it is queued, the operation runs, whether or not its result is awaited.
    pub(super) async fn write<T: Send + 'static>(
        &self,
        answer: Answer,
        operation: impl FnOnce(&mut WriteTransaction<'_>) -> Sql<T> + Send + 'static,
    ) -> StoreResult<T> {
        self.run(answer, move |unit| unit.whole(operation)).await
    }

    /// The same for an operation whose last step is its only write, a single statement.
    pub(super) async fn write_once<T: Send + 'static>(
        &self,
        answer: Answer,
        operation: impl FnOnce(&mut WriteTransaction<'_>) -> Sql<T> + Send + 'static,
    ) -> StoreResult<T> {
        self.run(answer, move |unit| unit.single(operation)).await
    }

    /// The same for an operation that frees space, or that must not wait for it: if the disk is
    /// full, it is retried with space from the reserve.
    pub(super) async fn write_to_full<T: Send + 'static>(
        &self,
        operation: impl Fn(&mut WriteTransaction<'_>) -> Sql<T> + Clone + Send + 'static,
    ) -> StoreResult<T> {
        for _ in 0..TRIES_ON_FULL {
            match self.write(Answer::AfterCommit, operation.clone()).await {
                Err(StoreError::NoSpace(_)) => self.reserve.need(),
                done => return done,
            }
        }
        self.write(Answer::AfterCommit, operation).await
    }

    async fn run<T: Send + 'static>(
        &self,
        answer: Answer,
        operation: impl FnOnce(&mut WriteTransaction<'_>) -> StoreResult<T> + Send + 'static,
    ) -> StoreResult<T> {
        let (reply, response) = oneshot::channel();
        // If a send below fails, nobody waits for the result.
        let operation: Operation = Box::new(move |unit| {
            match unit.and_then(operation) {
                Ok(done) if answer == Answer::AfterCommit => {
                    let on_commit: Reply = Box::new(move |committed| {
                        let _ = reply.send(committed.map(|()| done));
                    });
                    return Some(on_commit);
                }
                early => {
                    let _ = reply.send(early);
                }
            }
            None
        });
        let writes = self.senders()?.writes;
        writes.send(operation).await.map_err(|_| gone())?;
        drop(writes);
        response.await.map_err(|_| gone())?
    }

    /// Runs `query` on a reader.
    ///
    /// # Cancel safety
    /// A query whose result is not awaited changes nothing.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Sql<T> + Send + 'static,
    ) -> StoreResult<T> {
        let (reply, response) = oneshot::channel();
        let query: Query = Box::new(move |conn| {
            let _ = reply.send(query(conn));
        });
        let reads = self.senders()?.reads;
        reads.send(query).await.map_err(|_| gone())?;
        drop(reads);
        let answer = response.await.map_err(|_| gone())?;
        answer.map_err(|fault| self.damage.convert(fault))
    }

    /// Accepts no more calls, and waits for the accepted ones and for the threads.
    pub(super) async fn close(&self) -> StoreResult<()> {
        let senders = self.shut().ok_or(StoreError::Closed)?;
        // The threads end when the last call has dropped its sender.
        drop(senders);
        let handles = self.take_handles();
        let (reply, response) = oneshot::channel();
        // Joining blocks, so another thread does it, which ends right after it has replied.
        let joiner = std::thread::Builder::new()
            .name("store-close".to_owned())
            .spawn(move || {
                let _ = reply.send(join(handles));
            })
            .map_err(|error| StoreError::Unavailable(format!("cannot start a thread: {error}")))?;
        let ended = response.await.map_err(|_| gone())?;
        if joiner.join().is_err() || !ended {
            return Err(StoreError::Failed(
                "a thread of the store has panicked".to_owned(),
            ));
        }
        Ok(())
    }

    fn senders(&self) -> StoreResult<Senders> {
        let senders = self.senders.read().unwrap_or_else(PoisonError::into_inner);
        senders.clone().ok_or(StoreError::Closed)
    }

    fn shut(&self) -> Option<Senders> {
        self.closing.store(true, Ordering::Relaxed);
        let mut senders = self.senders.write().unwrap_or_else(PoisonError::into_inner);
        senders.take()
    }

    fn take_handles(&self) -> Vec<JoinHandle<()>> {
        let mut handles = self.handles.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *handles)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // Without a close, pending work is finished all the same, and the file released.
        self.shut();
        join(self.take_handles());
    }
}

/// The connection that writes, those that read, and the counts.
fn open_all(file: &Owned) -> StoreResult<(Connection, Vec<Connection>, Counts)> {
    let writer = file.writer()?;
    let readers: StoreResult<Vec<Connection>> =
        (0..readers::READERS).map(|_| file.reader()).collect();
    let readers = readers?;
    let counts = Counts::load(&writer)?;
    // Last: if this fails, the log is removed and the next try makes another.
    file.remember_log();
    Ok((writer, readers, counts))
}

/// Waits for the threads. Returns whether all ended well.
fn join(handles: Vec<JoinHandle<()>>) -> bool {
    let ended = handles.into_iter().map(JoinHandle::join);
    ended.fold(true, |well, thread| well & thread.is_ok())
}

/// The error of a call whose thread has ended.
fn gone() -> StoreError {
    StoreError::Failed("the thread of the store has ended".to_owned())
}
