//! The store in a PostgreSQL database, which several processes share.
//!
//! Concurrent requests share a transaction ([`batch`]); whatever changes a job locks its row first
//! ([`save`]). All times are those of the database. Its schema is in `schema.sql`.

mod batch;
mod blob_store;
mod change;
mod clock;
mod error;
mod lookup;
mod migrate;
mod notifier;
mod open;
mod owner_limits;
mod params;
mod pool;
mod pooler;
mod queue;
mod read;
mod removal;
mod row;
mod save;
mod sessions;
mod statements;
mod submit;
#[cfg(test)]
mod tests;
mod tls;
mod unconfirmed;
mod url;
mod work;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use lastcall_domain::store::{
    Admission, BlobStoreMark, ClaimOrder, HeartbeatResult, Hint, Idempotency, JobFilter, JobResult,
    Order, Outcome, Page, Precondition, Store, StoreCounts, StoreError, StoreResult, Submission,
    UploadOutcome, WriteResult,
};
use lastcall_domain::{
    BlobKey, ClaimRef, ContentKey, Dataset, DatasetName, InstanceId, Job, JobId, Owner,
    OwnerLimits, ReadOptions, Refused, Schema, Service, Session, SessionId, Timestamp,
};
use tokio::sync::broadcast;
use uuid::Uuid;

use batch::Batches;
use change::Change;
use clock::ClockOffset;
use notifier::Notifier;
use pool::Connections;
use unconfirmed::UnconfirmedClaims;

use crate::live_limits::LiveLimits;
use crate::quarantine::QuarantinedJobs;

/// The most jobs that one transaction recovers from dead processes.
const RECOVERY_BATCH: u32 = 1_000;

/// How long a close may take to undo unconfirmed claims.
const LAST_UNDO_TIMEOUT: Duration = Duration::from_secs(1);

/// A store in a PostgreSQL database.
pub struct PostgresStore {
    me: InstanceId,
    limits: Arc<LiveLimits>,
    connections: Arc<Connections>,
    submissions: Batches<Submission, Admission<Job>>,
    changes: Batches<Change, Vec<WriteResult>>,
    quarantined: QuarantinedJobs,
    analyses: UnconfirmedClaims,
    reports: UnconfirmedClaims,
    hints: Arc<Notifier>,
    clock: ClockOffset,
    closed: AtomicBool,
}

impl PostgresStore {
    /// The connections, while the store is open.
    fn db(&self) -> StoreResult<&Connections> {
        if self.closed.load(Ordering::Acquire) {
            return Err(StoreError::Closed);
        }
        Ok(&self.connections)
    }

    /// Undoes the unconfirmed claims.
    async fn undo_unconfirmed(&self) -> StoreResult<()> {
        for unconfirmed in [&self.analyses, &self.reports] {
            let given_back =
                work::undo_unconfirmed(self.db()?, &self.limits.get(), unconfirmed).await?;
            self.hints.notify_all(&given_back);
        }
        Ok(())
    }

    async fn change(&self, change: Change) -> StoreResult<Vec<WriteResult>> {
        self.changes.request(change).await
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn create_session(
        &self,
        session: Session,
        idempotency: Option<Idempotency>,
    ) -> StoreResult<Admission<Session>> {
        sessions::create(
            self.db()?,
            &self.limits.get(),
            &session,
            idempotency.as_ref(),
        )
        .await
    }

    async fn session(&self, id: SessionId) -> StoreResult<Option<Session>> {
        read::session(self.db()?, id).await
    }

    async fn sessions(
        &self,
        owner: &Owner,
        now: Timestamp,
        order: Order,
        after: Option<SessionId>,
        limit: u32,
    ) -> StoreResult<Page<Session>> {
        read::sessions(self.db()?, owner, now, order, after, limit).await
    }

    async fn renew_session(&self, id: SessionId, expires_at: Timestamp) -> StoreResult<()> {
        sessions::renew(self.db()?, id, expires_at).await
    }

    async fn delete_session(&self, id: SessionId) -> StoreResult<bool> {
        let deleted = sessions::delete(self.db()?, &self.limits.get(), id).await?;
        deleted
            .iter()
            .for_each(|saved| self.hints.notify_all(saved));
        Ok(deleted.is_some())
    }

    async fn was_removed(&self, id: &Uuid, owner: &Owner) -> StoreResult<bool> {
        read::was_removed(self.db()?, id, owner).await
    }

    async fn begin_removal(&self, now: Timestamp, limit: u32) -> StoreResult<Vec<SessionId>> {
        removal::begin(self.db()?, self.me, now, limit).await
    }

    async fn finish_removal(&self, sessions: &[SessionId]) -> StoreResult<()> {
        removal::finish(self.db()?, sessions).await
    }

    async fn purge(&self, before: Timestamp, limit: u32) -> StoreResult<u64> {
        removal::purge(self.db()?, before, limit).await
    }

    async fn put_dataset(
        &self,
        dataset: Dataset,
        precondition: Precondition,
    ) -> StoreResult<UploadOutcome> {
        sessions::put_dataset(self.db()?, &self.limits.get(), &dataset, &precondition).await
    }

    async fn dataset(
        &self,
        session: SessionId,
        name: &DatasetName,
    ) -> StoreResult<Option<Dataset>> {
        read::dataset(self.db()?, session, name).await
    }

    async fn datasets(
        &self,
        session: SessionId,
        after: Option<&DatasetName>,
        limit: u32,
    ) -> StoreResult<Page<Dataset>> {
        read::datasets(self.db()?, session, after, limit).await
    }

    async fn set_schema(
        &self,
        blob: &BlobKey,
        read: &ReadOptions,
        schema: &Schema,
    ) -> StoreResult<()> {
        sessions::set_schema(self.db()?, blob, read, schema).await
    }

    async fn set_read_options(&self, seen: &Dataset, read: ReadOptions) -> StoreResult<bool> {
        sessions::set_read_options(self.db()?, seen, &read).await
    }

    async fn delete_dataset(
        &self,
        session: SessionId,
        name: &DatasetName,
        precondition: &Precondition,
    ) -> StoreResult<Option<Dataset>> {
        sessions::delete_dataset(self.db()?, session, name, precondition).await
    }

    async fn submit(&self, submission: Submission) -> StoreResult<Admission<Job>> {
        self.submissions.request(submission).await
    }

    async fn submit_answered(
        &self,
        submission: Submission,
        result: JobResult,
    ) -> StoreResult<Admission<Job>> {
        let asked = Submission {
            job: submission.job.answered(),
            // It is not queued.
            max_queued: u64::MAX,
            ..submission
        };
        submit::submit_answered(self.db()?, &asked, &result).await
    }

    async fn job(&self, id: JobId) -> StoreResult<Option<Job>> {
        read::job(self.db()?, id).await
    }

    async fn jobs(
        &self,
        filter: &JobFilter,
        after: Option<JobId>,
        limit: u32,
    ) -> StoreResult<Page<Job>> {
        read::jobs(self.db()?, filter, after, limit).await
    }

    async fn result(&self, id: JobId) -> StoreResult<Option<JobResult>> {
        read::result(self.db()?, id).await
    }

    async fn answer_to(&self, key: &ContentKey) -> StoreResult<Option<JobId>> {
        read::answer_to(self.db()?, key).await
    }

    async fn cancel(&self, id: JobId) -> StoreResult<Option<Job>> {
        let results = self.change(Change::Cancel(id)).await?;
        match results.into_iter().next() {
            Some(Ok(job)) => Ok(Some(job)),
            // It has ended, never existed, or is being removed.
            Some(Err(_)) | None => self.job(id).await,
        }
    }

    async fn claim(&self, order: ClaimOrder) -> StoreResult<Vec<Job>> {
        let unconfirmed = match order.service {
            Service::Analysis => &self.analyses,
            Service::Report => &self.reports,
        };
        let limits = self.limits.get();
        let claimed = work::claim(self.db()?, &limits, &self.quarantined, unconfirmed, order);
        let (jobs, given_back) = claimed.await?;
        self.hints.notify_all(&given_back);
        jobs.iter().for_each(|job| self.hints.notify(job));
        Ok(jobs)
    }

    async fn heartbeat(
        &self,
        claims: &[(ClaimRef, f64)],
        lease: Duration,
    ) -> StoreResult<Vec<HeartbeatResult>> {
        work::heartbeat(self.db()?, &self.limits.get(), claims, lease).await
    }

    async fn complete(&self, claim: ClaimRef, outcome: Outcome) -> StoreResult<WriteResult> {
        let results = self.change(Change::Complete(claim, outcome)).await?;
        Ok(results
            .into_iter()
            .next()
            .unwrap_or(Err(Refused::StaleEpoch)))
    }

    async fn hand_back(&self, claims: &[ClaimRef]) -> StoreResult<Vec<WriteResult>> {
        self.change(Change::HandBack(claims.to_vec())).await
    }

    async fn expire_leases(&self, in_hand: &[JobId], limit: u32) -> StoreResult<Vec<Job>> {
        self.undo_unconfirmed().await?;
        let mut alive: Vec<Uuid> = in_hand.iter().map(|job| *job.as_uuid()).collect();
        // A claim that this process is about to receive.
        alive.extend(self.analyses.jobs());
        alive.extend(self.reports.jobs());
        let (db, limits, quarantined) = (self.db()?, self.limits.get(), &self.quarantined);
        let saved = work::expire_leases(db, &limits, quarantined, &alive, limit).await?;
        self.hints.notify_all(&saved);
        Ok(saved.jobs)
    }

    async fn recover(&self) -> StoreResult<u64> {
        let mut recovered = 0;
        loop {
            let some = self.expire_leases(&[], RECOVERY_BATCH).await?.len();
            recovered += some as u64;
            if some < RECOVERY_BATCH as usize {
                return Ok(recovered);
            }
        }
    }

    async fn counts(&self) -> StoreResult<StoreCounts> {
        read::counts(self.db()?).await
    }

    async fn ping(&self) -> StoreResult<()> {
        let db = self.db()?;
        db.run(|| async move {
            let mut conn = db.acquire().await?;
            conn.execute("UPDATE pulse SET beat = beat + 1", &[])
                .await?;
            conn.done();
            Ok(())
        })
        .await
    }

    async fn blob_store_mark(&self, me: InstanceId) -> StoreResult<BlobStoreMark> {
        blob_store::mark(self.db()?, me).await
    }

    async fn confirm_blob_store(&self, mark: Uuid) -> StoreResult<()> {
        blob_store::confirm(self.db()?, mark).await
    }

    fn clock_offset(&self) -> TimeDelta {
        self.clock.get()
    }

    fn hints(&self) -> Option<broadcast::Receiver<Hint>> {
        Some(self.hints.subscribe())
    }

    fn limit_owners(&self, limits: OwnerLimits) {
        self.limits.limit_owners(limits);
    }

    async fn close(&self) -> StoreResult<()> {
        // If this fails, a peer recovers the jobs, as those of a dead process.
        let undone = tokio::time::timeout(LAST_UNDO_TIMEOUT, self.undo_unconfirmed()).await;
        if self.closed.swap(true, Ordering::AcqRel) {
            return Err(StoreError::Closed);
        }
        if !matches!(undone, Ok(Ok(()))) {
            log::warn!("cannot undo unconfirmed claims");
        }
        self.clock.stop();
        self.submissions.close().await;
        self.changes.close().await;
        self.hints.close().await;
        self.connections.close().await
    }
}
