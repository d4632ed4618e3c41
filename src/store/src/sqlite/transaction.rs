//! One operation inside a group's transaction: atomic, whatever happens to its neighbours.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use lastcall_domain::store::{JobCounts, Rotation, StoreCounts};
use lastcall_domain::{
    ClaimRef, Clock, JobId, Limits, Service, State, StoreError, StoreResult, Timestamp,
};
use rusqlite::{CachedStatement, Connection};

use super::damage::Damage;
use super::error::{Fault, Sql};
use crate::codec::unsigned;
use crate::live_limits::LiveLimits;
use crate::quarantine::QuarantinedJobs;
use crate::unconfirmed::UnconfirmedClaims;

/// How many rows there are, kept by hand: counting them would cost a scan.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    analysis: JobCounts,
    report: JobCounts,
    pub(super) sessions: u64,
}

impl Counts {
    /// Counts the rows that there are at the start.
    pub(super) fn load(conn: &Connection) -> Sql<Self> {
        let count = |sql: &str| conn.query_row(sql, [], |row| row.get(0)).map(unsigned);
        let jobs = |service: i16| -> Sql<JobCounts> {
            Ok(JobCounts {
                queued: count(&format!(
                    "SELECT count(*) FROM jobs WHERE service = {service} AND state = 0 AND state < 2"
                ))?,
                running: count(&format!(
                    "SELECT count(*) FROM jobs WHERE service = {service} AND state = 1 AND state < 2"
                ))?,
            })
        };
        Ok(Self {
            analysis: jobs(crate::codec::service_number(Service::Analysis))?,
            report: jobs(crate::codec::service_number(Service::Report))?,
            sessions: count("SELECT count(*) FROM sessions")?,
        })
    }

    /// Those of one service.
    pub(super) fn of(&mut self, service: Service) -> &mut JobCounts {
        match service {
            Service::Analysis => &mut self.analysis,
            Service::Report => &mut self.report,
        }
    }

    /// Notes that a job has come to a state (`by` 1) or left it (`by` -1).
    pub(super) fn note(&mut self, service: Service, state: State, by: i64) {
        let of = self.of(service);
        match state {
            State::Queued => of.queued = of.queued.saturating_add_signed(by),
            State::Running => of.running = of.running.saturating_add_signed(by),
            State::Succeeded | State::Failed | State::Cancelled => {}
        }
    }

    /// As the port gives them.
    pub(super) fn figures(&self) -> StoreCounts {
        StoreCounts {
            jobs: [
                (Service::Analysis, self.analysis),
                (Service::Report, self.report),
            ]
            .into(),
            sessions: self.sessions,
        }
    }
}

/// What a transaction comes to beyond its rows: nothing, if it fails.
#[derive(Debug, Default)]
pub(super) struct OpenTransaction {
    /// The claims that it made.
    pub(super) claimed: Vec<ClaimRef>,
    /// The claims that it undid, as nobody had heard of them.
    pub(super) undone: Vec<ClaimRef>,
    /// The jobs that it ended.
    pub(super) ended: Vec<JobId>,
}

impl OpenTransaction {
    fn len(&self) -> [usize; 3] {
        [self.claimed.len(), self.undone.len(), self.ended.len()]
    }

    fn truncate(&mut self, [claimed, undone, ended]: [usize; 3]) {
        self.claimed.truncate(claimed);
        self.undone.truncate(undone);
        self.ended.truncate(ended);
    }
}

/// What the writer knows beyond the rows.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) clock: Arc<dyn Clock>,
    /// The bounds as they may change at any time.
    pub(super) live_limits: Arc<LiveLimits>,
    /// The bounds of the operation that runs.
    pub(super) limits: Limits,
    pub(super) counts: Counts,
    /// The counts as everybody may read them.
    pub(super) published: Arc<Mutex<Counts>>,
    /// What the open transaction comes to, once it is on disk.
    pub(super) open: OpenTransaction,
    /// Claims of which it is not known that their worker has heard.
    pub(super) unconfirmed: Arc<UnconfirmedClaims>,
    /// Epochs that were given to workers by a transaction that then failed. They are never
    /// given again, or the row could not tell the two workers apart.
    pub(super) burned_epochs: HashMap<JobId, u64>,
    /// Whose turn it is in each queue.
    pub(super) rotations: HashMap<Service, Rotation>,
    /// The jobs whose rows cannot be read.
    pub(super) quarantined: QuarantinedJobs,
    pub(super) damage: Arc<Damage>,
    /// Whether an operation of the open transaction has found the disk full, for which SQLite takes
    /// the whole of it back.
    pub(super) full: bool,
}

impl Memory {
    /// The open transaction is over: on disk, or not at all.
    pub(super) fn close_transaction(&mut self, committed: bool) {
        let OpenTransaction {
            claimed,
            undone,
            ended,
        } = std::mem::take(&mut self.open);
        if committed {
            for job in claimed.iter().map(|claim| claim.job).chain(ended) {
                self.burned_epochs.remove(&job);
            }
            self.unconfirmed.forget(undone);
        } else {
            let burned_epochs = claimed.iter().map(|claim| (claim.job, claim.epoch));
            self.burned_epochs.extend(burned_epochs);
        }
    }

    /// Shows the counts to the readers.
    pub(super) fn publish(&self) {
        let mut published = self
            .published
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *published = self.counts;
    }
}

/// The transaction, as one operation sees it.
pub(super) struct WriteTransaction<'a> {
    pub(super) conn: &'a Connection,
    pub(super) memory: &'a mut Memory,
    /// The time of the operation.
    pub(super) now: Timestamp,
}

impl<'a> WriteTransaction<'a> {
    /// A statement, prepared once per connection.
    pub(super) fn sql(&self, text: &str) -> Sql<CachedStatement<'a>> {
        Ok(self.conn.prepare_cached(text)?)
    }

    /// Runs the operation; if it fails, or panics, nothing of it is left in the transaction.
    pub(super) fn whole<T>(
        &mut self,
        operation: impl FnOnce(&mut Self) -> Sql<T>,
    ) -> StoreResult<T> {
        let counts = self.memory.counts;
        let open = self.memory.open.len();
        self.step("SAVEPOINT unit")?;
        let answer = self.caught(operation);
        if answer.is_ok() {
            self.step("RELEASE unit")?;
        } else {
            self.memory.counts = counts;
            self.memory.open.truncate(open);
            // Where the whole transaction is gone already, so is the savepoint.
            if !self.conn.is_autocommit() {
                self.step("ROLLBACK TO unit")?;
                self.step("RELEASE unit")?;
            }
        }
        self.memory.publish();
        answer
    }

    /// Runs an operation whose last step is its only write, a single statement, of which nothing
    /// is left either if it fails. It goes without a savepoint, for which SQLite would copy every
    /// page that is touched.
    pub(super) fn single<T>(
        &mut self,
        operation: impl FnOnce(&mut Self) -> Sql<T>,
    ) -> StoreResult<T> {
        let counts = self.memory.counts;
        let answer = self.caught(operation);
        if answer.is_err() {
            self.memory.counts = counts;
        }
        self.memory.publish();
        answer
    }

    fn caught<T>(&mut self, operation: impl FnOnce(&mut Self) -> Sql<T>) -> StoreResult<T> {
        match catch_unwind(AssertUnwindSafe(|| operation(self))) {
            Ok(answer) => answer.map_err(|fault| self.told(fault)),
            Err(_) => Err(StoreError::Failed(
                "the operation panicked; nothing of it was written".to_owned(),
            )),
        }
    }

    fn step(&mut self, text: &str) -> StoreResult<()> {
        let run = || -> Sql<()> {
            self.sql(text)?.execute([])?;
            Ok(())
        };
        run().map_err(|fault| self.told(fault))
    }

    /// The fault as the port says it; the writer is to know of it, too.
    fn told(&mut self, fault: Fault) -> StoreError {
        let error = self.memory.damage.told(fault);
        self.memory.full |= matches!(error, StoreError::NoSpace(_));
        error
    }
}
