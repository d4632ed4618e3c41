//! The store in one SQLite file, which one process owns.
//!
//! One thread writes, in groups ([`writer`]); a few read. The schema is in `schema.sql`.

mod backup;
mod damage;
mod error;
mod jobs;
mod lock;
mod lock_timeout;
mod open;
mod read;
mod readers;
mod removal;
mod reserve;
mod row;
mod sessions;
mod threads;
mod transaction;
mod work;
mod writer;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lastcall_domain::store::{
    Admission, ClaimOrder, HeartbeatResult, Hint, Idempotency, JobFilter, JobResult, Order,
    Outcome, Page, Precondition, Store, StoreCounts, StoreResult, Submission, UploadOutcome,
    WriteResult,
};
use lastcall_domain::{
    BlobKey, ClaimRef, Clock, ContentKey, Dataset, DatasetName, Job, JobId, Limits, Owner,
    OwnerLimits, ReadOptions, Schema, Session, SessionId, Timestamp,
};
use tokio::sync::broadcast;
use uuid::Uuid;

pub(crate) use backup::back_up;
use threads::Answer::{AfterCommit, BeforeCommit};
use threads::Threads;
use transaction::WriteTransaction;

#[cfg(test)]
mod tests;

/// The most jobs that one transaction recovers from a dead process.
const RECOVERY_BATCH: u32 = 1_000;

/// Sessions whose rows are removed concurrently.
const REMOVAL_CONCURRENCY: usize = 64;

/// A store in one SQLite file.
#[derive(Debug)]
pub struct SqliteStore {
    threads: Threads,
}

impl SqliteStore {
    /// Opens the file at `path`, and creates it and its folder if they do not exist.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`](lastcall_domain::StoreError::Unavailable) where another process has it open or the disk is full;
    /// [`StoreError::Failed`](lastcall_domain::StoreError::Failed) where it cannot be opened or written, is damaged, no database of
    /// Lastcall's, or of a newer version.
    pub fn open(path: &Path, clock: Arc<dyn Clock>, limits: Limits) -> StoreResult<Self> {
        let threads = Threads::start(path, clock, limits)?;
        Ok(Self { threads })
    }

    /// Removes the rows of a session, in as many operations as it takes.
    async fn remove(&self, id: SessionId) -> StoreResult<()> {
        let step = || self.threads.write_to_full(move |unit| unit.remove_rows(id));
        while !step().await? {}
        Ok(())
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn create_session(
        &self,
        session: Session,
        idempotency: Option<Idempotency>,
    ) -> StoreResult<Admission<Session>> {
        self.threads
            .write(AfterCommit, move |unit| {
                unit.create_session(session, idempotency)
            })
            .await
    }

    async fn session(&self, id: SessionId) -> StoreResult<Option<Session>> {
        self.threads.read(move |conn| read::session(conn, id)).await
    }

    async fn sessions(
        &self,
        owner: &Owner,
        now: Timestamp,
        order: Order,
        after: Option<SessionId>,
        limit: u32,
    ) -> StoreResult<Page<Session>> {
        let owner = owner.clone();
        self.threads
            .read(move |conn| read::sessions(conn, &owner, now, order, after, limit))
            .await
    }

    async fn renew_session(&self, id: SessionId, expires_at: Timestamp) -> StoreResult<()> {
        self.threads
            .write(BeforeCommit, move |unit| unit.renew_session(id, expires_at))
            .await
    }

    async fn delete_session(&self, id: SessionId) -> StoreResult<bool> {
        self.threads
            .write_to_full(move |unit| unit.delete_session(id))
            .await
    }

    async fn was_removed(&self, id: &Uuid, owner: &Owner) -> StoreResult<bool> {
        let (id, owner) = (*id, owner.clone());
        self.threads
            .read(move |conn| read::was_removed(conn, &id, &owner))
            .await
    }

    async fn begin_removal(&self, now: Timestamp, limit: u32) -> StoreResult<Vec<SessionId>> {
        self.threads
            .write_to_full(move |unit| unit.begin_removal(now, limit))
            .await
    }

    async fn finish_removal(&self, sessions: &[SessionId]) -> StoreResult<()> {
        for some in sessions.chunks(REMOVAL_CONCURRENCY) {
            // Concurrently, so that they share commits.
            let removed = some.iter().map(|id| self.remove(*id));
            futures_util::future::try_join_all(removed).await?;
        }
        Ok(())
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> StoreResult<u64> {
        self.threads
            .write_to_full(move |unit| unit.purge(before, limit))
            .await
    }

    async fn put_dataset(
        &self,
        dataset: Dataset,
        precondition: Precondition,
    ) -> StoreResult<UploadOutcome> {
        self.threads
            .write(AfterCommit, move |unit| {
                unit.put_dataset(&dataset, &precondition)
            })
            .await
    }

    async fn dataset(
        &self,
        session: SessionId,
        name: &DatasetName,
    ) -> StoreResult<Option<Dataset>> {
        let name = name.clone();
        self.threads
            .read(move |conn| read::dataset(conn, session, &name))
            .await
    }

    async fn datasets(
        &self,
        session: SessionId,
        after: Option<&DatasetName>,
        limit: u32,
    ) -> StoreResult<Page<Dataset>> {
        let after = after.cloned();
        self.threads
            .read(move |conn| read::datasets(conn, session, after.as_ref(), limit))
            .await
    }

    async fn set_read_options(&self, seen: &Dataset, read: ReadOptions) -> StoreResult<bool> {
        let seen = seen.clone();
        self.threads
            .write(AfterCommit, move |unit| unit.set_read_options(&seen, &read))
            .await
    }

    async fn set_schema(
        &self,
        blob: &BlobKey,
        read: &ReadOptions,
        schema: &Schema,
    ) -> StoreResult<()> {
        let (blob, read, schema) = (blob.clone(), read.clone(), schema.clone());
        self.threads
            .write(AfterCommit, move |unit| {
                unit.set_schema(&blob, &read, &schema)
            })
            .await
    }

    async fn delete_dataset(
        &self,
        session: SessionId,
        name: &DatasetName,
        precondition: &Precondition,
    ) -> StoreResult<Option<Dataset>> {
        let (name, precondition) = (name.clone(), precondition.clone());
        self.threads
            .write_to_full(move |unit| unit.delete_dataset(session, &name, &precondition))
            .await
    }

    async fn submit(&self, submission: Submission) -> StoreResult<Admission<Job>> {
        // Here rather than on the one writer thread.
        let spec = serde_json::to_string(&submission.job.spec).map_err(error::Fault::from)?;
        let keyed = submission.idempotency.is_some();
        let submit = move |unit: &mut WriteTransaction<'_>| unit.submit(submission, &spec);
        if keyed {
            self.threads.write(AfterCommit, submit).await
        } else {
            self.threads.write_once(AfterCommit, submit).await
        }
    }

    async fn submit_answered(
        &self,
        submission: Submission,
        result: JobResult,
    ) -> StoreResult<Admission<Job>> {
        let spec = serde_json::to_string(&submission.job.spec).map_err(error::Fault::from)?;
        let submit = move |unit: &mut WriteTransaction<'_>| {
            unit.submit_answered(&submission, &result, &spec)
        };
        self.threads.write(AfterCommit, submit).await
    }

    async fn job(&self, id: JobId) -> StoreResult<Option<Job>> {
        self.threads.read(move |conn| read::job(conn, id)).await
    }

    async fn jobs(
        &self,
        filter: &JobFilter,
        after: Option<JobId>,
        limit: u32,
    ) -> StoreResult<Page<Job>> {
        let filter = filter.clone();
        self.threads
            .read(move |conn| read::jobs(conn, &filter, after, limit))
            .await
    }

    async fn result(&self, id: JobId) -> StoreResult<Option<JobResult>> {
        self.threads.read(move |conn| read::result(conn, id)).await
    }

    async fn answer_to(&self, key: &ContentKey) -> StoreResult<Option<JobId>> {
        let key = *key;
        self.threads
            .read(move |conn| read::answer_to(conn, &key))
            .await
    }

    async fn cancel(&self, id: JobId) -> StoreResult<Option<Job>> {
        self.threads
            .write_to_full(move |unit| unit.cancel(id))
            .await
    }

    async fn claim(&self, order: ClaimOrder) -> StoreResult<Vec<Job>> {
        let caller = Arc::new(());
        let waits = Arc::downgrade(&caller);
        let claimed = self.threads.write(BeforeCommit, move |unit| {
            // The writer may run it much later.
            let jobs = match waits.upgrade() {
                Some(_) => unit.claim(&order)?,
                None => Vec::new(),
            };
            Ok(unit.memory.unconfirmed.deliver(jobs))
        });
        let claimed = claimed.await?.confirm();
        drop(caller);
        Ok(claimed)
    }

    async fn heartbeat(
        &self,
        claims: &[(ClaimRef, f64)],
        lease: Duration,
    ) -> StoreResult<Vec<HeartbeatResult>> {
        let claims = claims.to_vec();
        self.threads
            .write(BeforeCommit, move |unit| unit.heartbeat(&claims, lease))
            .await
    }

    async fn complete(&self, claim: ClaimRef, outcome: Outcome) -> StoreResult<WriteResult> {
        self.threads
            .write(AfterCommit, move |unit| unit.complete(claim, &outcome))
            .await
    }

    async fn hand_back(&self, claims: &[ClaimRef]) -> StoreResult<Vec<WriteResult>> {
        let claims = claims.to_vec();
        self.threads
            .write_to_full(move |unit| unit.hand_back(&claims))
            .await
    }

    async fn expire_leases(&self, in_hand: &[JobId], limit: u32) -> StoreResult<Vec<Job>> {
        let in_hand: HashSet<JobId> = in_hand.iter().copied().collect();
        self.threads
            .write_to_full(move |unit| unit.expire_leases(&in_hand, limit))
            .await
    }

    async fn recover(&self) -> StoreResult<u64> {
        let mut recovered = 0;
        loop {
            let some = self
                .threads
                .write_to_full(|unit| unit.recover(RECOVERY_BATCH))
                .await?;
            recovered += some;
            if some < u64::from(RECOVERY_BATCH) {
                return Ok(recovered);
            }
        }
    }

    async fn counts(&self) -> StoreResult<StoreCounts> {
        Ok(self.threads.counts()?.snapshot())
    }

    async fn ping(&self) -> StoreResult<()> {
        self.threads.check()?;
        self.threads
            .write(AfterCommit, move |unit| unit.pulse())
            .await
    }

    fn hints(&self) -> Option<broadcast::Receiver<Hint>> {
        None
    }

    fn limit_owners(&self, limits: OwnerLimits) {
        self.threads.limit_owners(limits);
    }

    async fn close(&self) -> StoreResult<()> {
        if self.threads.has_lost_claims() {
            // If this fails, the next start recovers the jobs, as those of a dead process.
            let undone = self
                .threads
                .write(AfterCommit, |unit| unit.undo_lost_claims());
            if let Err(error) = undone.await {
                log::warn!("cannot undo unconfirmed claims: {error}");
            }
        }
        self.threads.close().await
    }
}
