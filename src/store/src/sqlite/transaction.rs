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

/// The numbers of rows, maintained incrementally: counting them would cost a scan.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    analysis: JobCounts,
    report: JobCounts,
    pub(super) sessions: u64,
}

impl Counts {
    /// Counts the rows at the start.
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

    /// The counts of one service.
    pub(super) fn of(&mut self, service: Service) -> &mut JobCounts {
        match service {
            Service::Analysis => &mut self.analysis,
            Service::Report => &mut self.report,
        }
    }

    /// Records that a job has entered a state (`by` 1) or left it (`by` -1).
    pub(super) fn record(&mut self, service: Service, state: State, by: i64) {
        let of = self.of(service);
        match state {
            State::Queued => of.queued = of.queued.saturating_add_signed(by),
            State::Running => of.running = of.running.saturating_add_signed(by),
            State::Succeeded | State::Failed | State::Cancelled => {}
        }
    }

    /// The counts in the port's form.
    pub(super) fn snapshot(&self) -> StoreCounts {
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

/// The effects of a transaction beyond its rows: none, if it fails.
#[derive(Debug, Default)]
pub(super) struct OpenTransaction {
    /// The claims that it made.
    pub(super) claimed: Vec<ClaimRef>,
    /// The unconfirmed claims that it undid.
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

/// The writer's state beyond the rows.
#[derive(Debug)]
pub(super) struct Memory {
    pub(super) clock: Arc<dyn Clock>,
    /// The bounds, which may change at any time.
    pub(super) live_limits: Arc<LiveLimits>,
    /// The bounds of the current operation.
    pub(super) limits: Limits,
    pub(super) counts: Counts,
    /// The counts for readers.
    pub(super) published: Arc<Mutex<Counts>>,
    /// The effects of the open transaction, once it is committed.
    pub(super) open: OpenTransaction,
    /// Claims whose worker has not confirmed them.
    pub(super) unconfirmed: Arc<UnconfirmedClaims>,
    /// Epochs that were given out by a transaction that then failed. They are never given out
    /// again, or the row could not distinguish the two workers.
    pub(super) burned_epochs: HashMap<JobId, u64>,
    /// The turns of the owners in each queue.
    pub(super) rotations: HashMap<Service, Rotation>,
    /// The jobs with unreadable rows.
    pub(super) quarantined: QuarantinedJobs,
    pub(super) damage: Arc<Damage>,
    /// Whether an operation of the open transaction has found the disk full, for which SQLite rolls
    /// the whole transaction back.
    pub(super) full: bool,
}

impl Memory {
    /// Ends the open transaction: it was committed, or not.
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
            self.unconfirmed.remove(undone);
        } else {
            let burned_epochs = claimed.iter().map(|claim| (claim.job, claim.epoch));
            self.burned_epochs.extend(burned_epochs);
        }
    }

    /// Publishes the counts to the readers.
    pub(super) fn publish(&self) {
        let mut published = self
            .published
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *published = self.counts;
    }
}

/// The transaction, as seen by one operation.
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

    /// Runs the operation; if it fails or panics, its changes are rolled back.
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
            // If the whole transaction was rolled back, so was the savepoint.
            if !self.conn.is_autocommit() {
                self.step("ROLLBACK TO unit")?;
                self.step("RELEASE unit")?;
            }
        }
        self.memory.publish();
        answer
    }

    /// Runs an operation whose last step is its only write, a single statement, of which nothing is
    /// left either if it fails. It needs no savepoint, for which SQLite would copy every page that
    /// is touched.
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
            Ok(answer) => answer.map_err(|fault| self.convert(fault)),
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
        run().map_err(|fault| self.convert(fault))
    }

    /// Converts the fault into the port's error, and records it for the writer.
    fn convert(&mut self, fault: Fault) -> StoreError {
        let error = self.memory.damage.convert(fault);
        self.memory.full |= matches!(error, StoreError::NoSpace(_));
        error
    }
}
