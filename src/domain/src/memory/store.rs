//! The store in memory.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::broadcast;
use uuid::Uuid;

use super::faults::{Fault, Faults};
use super::state::Rows;
use crate::store::{
    Admission, ClaimOrder, HeartbeatResult, Hint, Idempotency, JobFilter, JobResult, Order,
    Outcome, Page, Precondition, Store, StoreCounts, StoreError, StoreResult, Submission,
    UploadOutcome, WriteResult,
};
use crate::{
    BlobKey, ClaimRef, Clock, ContentKey, Dataset, DatasetName, Job, JobId, Limits, Owner,
    OwnerLimits, ReadOptions, Schema, Session, SessionId, Timestamp,
};

/// A store in memory, under one lock: every call is atomic. Clones share the store.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    clock: Arc<dyn Clock>,
    faults: Faults,
    rows: Arc<Mutex<Rows>>,
}

impl MemoryStore {
    /// A store of one process, like SQLite: there are no hints, and [`recover`](Store::recover)
    /// recovers every running job.
    pub fn new(clock: Arc<dyn Clock>, limits: Limits) -> Self {
        Self::with(clock, limits, false)
    }

    /// A store of several processes, like PostgreSQL: clones stand for them. They receive each
    /// other's hints, and none recovers a running job before its lease has expired.
    pub fn shared(clock: Arc<dyn Clock>, limits: Limits) -> Self {
        Self::with(clock, limits, true)
    }

    /// The injected faults.
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Reopens the store after [`close`](Store::close), with its rows, like a start of the process.
    pub fn reopen(&self) {
        self.lock().closed = false;
    }

    /// Every job, whatever the state of its session, for the final check of a test.
    pub fn all_jobs(&self) -> Vec<Job> {
        self.lock().jobs.values().cloned().collect()
    }

    fn with(clock: Arc<dyn Clock>, limits: Limits, shared: bool) -> Self {
        Self {
            clock,
            faults: Faults::default(),
            rows: Arc::new(Mutex::new(Rows::new(limits, shared))),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Rows> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Executes one call, unless it must fail.
    fn call<T>(&self, run: impl FnOnce(&mut Rows, Timestamp) -> T) -> StoreResult<T> {
        let unavailable = || StoreError::Unavailable("a test wants it so".to_owned());
        let fault = self.faults.call();
        let mut rows = self.lock();
        if rows.closed {
            return Err(StoreError::Closed);
        }
        if fault == Some(Fault::Before) {
            return Err(unavailable());
        }
        let answer = run(&mut rows, self.clock.now());
        match fault {
            Some(_) => Err(unavailable()),
            None => Ok(answer),
        }
    }
}

#[async_trait]
impl Store for MemoryStore {
    async fn create_session(
        &self,
        session: Session,
        idempotency: Option<Idempotency>,
    ) -> StoreResult<Admission<Session>> {
        self.call(|rows, now| rows.create_session(session, idempotency, now))
    }

    async fn session(&self, id: SessionId) -> StoreResult<Option<Session>> {
        self.call(|rows, _| rows.session(id))
    }

    async fn sessions(
        &self,
        owner: &Owner,
        now: Timestamp,
        order: Order,
        after: Option<SessionId>,
        limit: u32,
    ) -> StoreResult<Page<Session>> {
        self.call(|rows, _| rows.sessions(owner, now, order, after, limit))
    }

    async fn renew_session(&self, id: SessionId, expires_at: Timestamp) -> StoreResult<()> {
        self.call(|rows, _| rows.renew_session(id, expires_at))
    }

    async fn delete_session(&self, id: SessionId) -> StoreResult<bool> {
        self.call(|rows, now| rows.delete_session(id, now))
    }

    async fn was_removed(&self, id: &Uuid, owner: &Owner) -> StoreResult<bool> {
        self.call(|rows, _| rows.was_removed(id, owner))
    }

    async fn begin_removal(&self, now: Timestamp, limit: u32) -> StoreResult<Vec<SessionId>> {
        self.call(|rows, _| rows.begin_removal(now, limit))
    }

    async fn finish_removal(&self, sessions: &[SessionId]) -> StoreResult<()> {
        self.call(|rows, now| rows.finish_removal(sessions, now))
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> StoreResult<u64> {
        self.call(|rows, _| rows.purge(before, limit))
    }

    async fn put_dataset(
        &self,
        dataset: Dataset,
        precondition: Precondition,
    ) -> StoreResult<UploadOutcome> {
        self.call(|rows, now| rows.put_dataset(dataset, &precondition, now))
    }

    async fn dataset(
        &self,
        session: SessionId,
        name: &DatasetName,
    ) -> StoreResult<Option<Dataset>> {
        self.call(|rows, _| rows.dataset(session, name))
    }

    async fn datasets(
        &self,
        session: SessionId,
        after: Option<&DatasetName>,
        limit: u32,
    ) -> StoreResult<Page<Dataset>> {
        self.call(|rows, _| rows.datasets(session, after, limit))
    }

    async fn set_schema(
        &self,
        blob: &BlobKey,
        read: &ReadOptions,
        schema: &Schema,
    ) -> StoreResult<()> {
        self.call(|rows, _| rows.set_schema(blob, read, schema))
    }

    async fn set_read_options(&self, seen: &Dataset, read: ReadOptions) -> StoreResult<bool> {
        self.call(|rows, _| rows.set_read_options(seen, read))
    }

    async fn delete_dataset(
        &self,
        session: SessionId,
        name: &DatasetName,
        precondition: &Precondition,
    ) -> StoreResult<Option<Dataset>> {
        self.call(|rows, _| rows.delete_dataset(session, name, precondition))
    }

    async fn submit(&self, submission: Submission) -> StoreResult<Admission<Job>> {
        self.call(|rows, now| rows.submit(submission, now))
    }

    async fn submit_answered(
        &self,
        submission: Submission,
        result: JobResult,
    ) -> StoreResult<Admission<Job>> {
        self.call(|rows, now| rows.submit_answered(submission, result, now))
    }

    async fn job(&self, id: JobId) -> StoreResult<Option<Job>> {
        self.call(|rows, _| rows.job(id))
    }

    async fn jobs(
        &self,
        filter: &JobFilter,
        after: Option<JobId>,
        limit: u32,
    ) -> StoreResult<Page<Job>> {
        self.call(|rows, _| rows.jobs(filter, after, limit))
    }

    async fn result(&self, id: JobId) -> StoreResult<Option<JobResult>> {
        self.call(|rows, _| rows.result(id))
    }

    async fn answer_to(&self, key: &ContentKey) -> StoreResult<Option<JobId>> {
        self.call(|rows, _| rows.answer_to(key))
    }

    async fn cancel(&self, id: JobId) -> StoreResult<Option<Job>> {
        self.call(|rows, now| rows.cancel(id, now))
    }

    async fn claim(&self, order: ClaimOrder) -> StoreResult<Vec<Job>> {
        let mut claimed = None;
        let answer = self.call(|rows, now| {
            rows.undo_unconfirmed(now);
            let jobs = rows.claim(order, now);
            claimed = Some(jobs.iter().map(Job::claim).collect::<Vec<_>>());
            jobs
        });
        if let (Err(_), Some(claims)) = (&answer, claimed) {
            // The response is lost.
            self.lock().unconfirmed.extend(claims);
        }
        answer
    }

    async fn heartbeat(
        &self,
        claims: &[(ClaimRef, f64)],
        lease: Duration,
    ) -> StoreResult<Vec<HeartbeatResult>> {
        self.call(|rows, now| rows.heartbeat(claims, lease, now))
    }

    async fn complete(&self, claim: ClaimRef, outcome: Outcome) -> StoreResult<WriteResult> {
        self.call(|rows, now| rows.complete(claim, outcome, now))
    }

    async fn hand_back(&self, claims: &[ClaimRef]) -> StoreResult<Vec<WriteResult>> {
        self.call(|rows, now| rows.hand_back(claims, now))
    }

    async fn expire_leases(&self, in_hand: &[JobId], limit: u32) -> StoreResult<Vec<Job>> {
        self.call(|rows, now| rows.expire_leases(in_hand, limit, now))
    }

    async fn recover(&self) -> StoreResult<u64> {
        self.call(|rows, now| rows.recover(now))
    }

    async fn counts(&self) -> StoreResult<StoreCounts> {
        self.call(|rows, _| rows.counts.clone())
    }

    async fn ping(&self) -> StoreResult<()> {
        self.call(|_, _| ())
    }

    fn hints(&self) -> Option<broadcast::Receiver<Hint>> {
        let rows = self.lock();
        rows.shared.then(|| rows.hints.subscribe())
    }

    fn limit_owners(&self, limits: OwnerLimits) {
        self.lock().limits.per_owner = limits;
    }

    async fn close(&self) -> StoreResult<()> {
        self.call(|rows, _| rows.closed = true)
    }
}
