//! The port of the stores: what must be durable, and what a store guarantees.
//!
//! One conformance suite runs on every implementation. Promises that hold for all methods:
//!
//! - A method that returns `Ok` has committed, durably, unless documented otherwise.
//! - Job states change through [`Lifecycle::apply`](crate::Lifecycle::apply) only.
//! - Leases are measured on one clock, the store's: that of the process on SQLite, that of the
//!   database on PostgreSQL, so that skewed machines do not steal each other's jobs.

mod claim;
mod error;
mod list;
mod operation;
mod rotation;
mod submission;
mod upload;

use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use tokio::sync::broadcast;

use crate::{
    BlobKey, ClaimRef, ContentKey, Dataset, DatasetName, InstanceId, Job, JobId, Owner,
    OwnerLimits, ReadOptions, Schema, Session, SessionId, Timestamp,
};

pub use claim::{
    ClaimOrder, HeartbeatResult, INLINE_RESULT, JobResult, Outcome, ResultLocation, WriteResult,
};
pub use error::{StoreError, StoreResult};
pub use list::{JobFilter, Order, Page};
pub use operation::{
    BlobStoreMark, CLOCK_TOLERANCE, Hint, JobCounts, StoreCounts, clock_difference,
};
pub use rotation::{Claimed, FairClaim, Rotation, Round, Turns};
pub use submission::{Admission, Answer, Idempotency, Submission};
pub use upload::{Precondition, UploadOutcome};

/// Stores sessions, datasets and jobs.
#[async_trait]
pub trait Store: Send + Sync {
    // Sessions

    /// Creates a session.
    async fn create_session(
        &self,
        session: Session,
        idempotency: Option<Idempotency>,
    ) -> StoreResult<Admission<Session>>;

    /// The session, expired or not, if it exists and was not deleted.
    async fn session(&self, id: SessionId) -> StoreResult<Option<Session>>;

    /// The owner's sessions that have not expired at `now`.
    async fn sessions(
        &self,
        owner: &Owner,
        now: Timestamp,
        order: Order,
        after: Option<SessionId>,
        limit: u32,
    ) -> StoreResult<Page<Session>>;

    /// Sets the session's expiry to `expires_at`, if that is later than before. Need not be durable
    /// when it returns.
    async fn renew_session(&self, id: SessionId, expires_at: Timestamp) -> StoreResult<()>;

    /// Deletes the session: it is no longer found, queued jobs are cancelled, running ones are
    /// stopped, and the next sweep removes its contents. Returns `false` if it does not exist.
    async fn delete_session(&self, id: SessionId) -> StoreResult<bool>;

    /// Whether a session or job with this id and owner was removed, or is being removed, because
    /// its TTL ended. Remembered for at least a day.
    async fn was_removed(&self, id: &uuid::Uuid, owner: &Owner) -> StoreResult<bool>;

    // Removal, in two steps, so that a crash between them leaves no orphans

    /// Marks up to `limit` sessions as being removed, and returns them: those that are deleted or
    /// have expired at `now`, with no job queued or running, and those that an earlier sweep has
    /// marked and not finished. Their jobs and datasets are no longer found. The cost does not grow
    /// with the number of live sessions. On a shared store it returns none while another process
    /// sweeps.
    async fn begin_removal(&self, now: Timestamp, limit: u32) -> StoreResult<Vec<SessionId>>;

    /// Removes the rows of sessions that [`begin_removal`](Self::begin_removal) returned, after
    /// their blobs are gone.
    async fn finish_removal(&self, sessions: &[SessionId]) -> StoreResult<()>;

    /// Purges up to `limit` idempotency keys and remembered removals from before `before`. Returns
    /// how many.
    async fn purge(&self, before: Timestamp, limit: u32) -> StoreResult<u64>;

    // Datasets

    /// Stores the dataset under its name, if the current one meets the precondition.
    async fn put_dataset(
        &self,
        dataset: Dataset,
        precondition: Precondition,
    ) -> StoreResult<UploadOutcome>;

    /// The dataset of that name.
    async fn dataset(&self, session: SessionId, name: &DatasetName)
    -> StoreResult<Option<Dataset>>;

    /// The session's datasets, by name.
    async fn datasets(
        &self,
        session: SessionId,
        after: Option<&DatasetName>,
        limit: u32,
    ) -> StoreResult<Page<Dataset>>;

    /// Stores the columns of the dataset whose bytes are at `blob`, if it still has these bytes and
    /// read options.
    async fn set_schema(
        &self,
        blob: &BlobKey,
        read: &ReadOptions,
        schema: &Schema,
    ) -> StoreResult<()>;

    /// Changes the read options of the dataset, and drops its columns, if its bytes and its read
    /// options are still those of `seen`. Otherwise, or if it no longer exists, returns `false` and
    /// changes nothing.
    async fn set_read_options(&self, seen: &Dataset, read: ReadOptions) -> StoreResult<bool>;

    /// Deletes the dataset, if it meets the precondition, and returns it. `None` if nothing was
    /// deleted.
    async fn delete_dataset(
        &self,
        session: SessionId,
        name: &DatasetName,
        precondition: &Precondition,
    ) -> StoreResult<Option<Dataset>>;

    // Jobs, from the caller's side

    /// Accepts a job. When this returns [`Admission::Created`], the job is on disk. Repeated with
    /// the same job id, after a lost response, it creates nothing and returns the current job.
    async fn submit(&self, submission: Submission) -> StoreResult<Admission<Job>>;

    /// Accepts a job whose result already exists: it has succeeded when this returns, and is never
    /// queued. Repeats are answered as by [`submit`](Self::submit).
    async fn submit_answered(
        &self,
        submission: Submission,
        result: JobResult,
    ) -> StoreResult<Admission<Job>>;

    /// The job.
    async fn job(&self, id: JobId) -> StoreResult<Option<Job>>;

    /// The jobs that match the filter.
    async fn jobs(
        &self,
        filter: &JobFilter,
        after: Option<JobId>,
        limit: u32,
    ) -> StoreResult<Page<Job>>;

    /// The result of a job that has succeeded.
    async fn result(&self, id: JobId) -> StoreResult<Option<JobResult>>;

    /// The job whose result has this key; the latest if there are several.
    async fn answer_to(&self, key: &ContentKey) -> StoreResult<Option<JobId>>;

    /// Cancels a queued job at once, and requests the cancellation of a running one. Returns the
    /// job in its new state, or `None` if it does not exist. A job that has ended stays unchanged.
    async fn cancel(&self, id: JobId) -> StoreResult<Option<Job>>;

    // Jobs, from the worker's side

    /// Claims jobs: the owners take turns as in [`Rotation`], and the jobs of one owner are claimed
    /// oldest first. Skipped are jobs whose [`depends_on`](crate::JobSpec::depends_on) has not
    /// ended, and those whose rows this version cannot read. Need not be durable when it returns if
    /// no other process can claim: a claim that is lost in a crash is a job that is still queued.
    ///
    /// # Cancel safety
    /// A claim whose response is not awaited, or is lost, costs nothing: the store undoes it before
    /// it claims or expires anything else.
    async fn claim(&self, order: ClaimOrder) -> StoreResult<Vec<Job>>;

    /// Renews the leases of these claims and records their progress (0 to 1). The results are in
    /// the order of the claims. Need not be durable when it returns.
    async fn heartbeat(
        &self,
        claims: &[(ClaimRef, f64)],
        lease: Duration,
    ) -> StoreResult<Vec<HeartbeatResult>>;

    /// Ends a claim. Returns the job in its new state (it may be queued for another attempt), or
    /// why nothing was changed.
    async fn complete(&self, claim: ClaimRef, outcome: Outcome) -> StoreResult<WriteResult>;

    /// Hands claims back, all in one transaction: interruptions, not attempts. Wakes peers. The
    /// results are in the order of the claims.
    async fn hand_back(&self, claims: &[ClaimRef]) -> StoreResult<Vec<WriteResult>>;

    /// Requeues or fails up to `limit` jobs with expired leases, and returns them in their new
    /// state. The caller's jobs `in_hand` are excluded: it is alive, however late its heartbeat is.
    async fn expire_leases(&self, in_hand: &[JobId], limit: u32) -> StoreResult<Vec<Job>>;

    /// Recovers the jobs of dead processes, at the start: on a store that one process owns, every
    /// running job; on a shared store, those with expired leases. Returns how many.
    async fn recover(&self) -> StoreResult<u64>;

    // The store itself

    /// Counts for the operator. May be up to a second old.
    async fn counts(&self) -> StoreResult<StoreCounts>;

    /// Whether it can be reached and written to.
    async fn ping(&self) -> StoreResult<()>;

    /// The hints of other processes; `None` if no other process can have it open.
    fn hints(&self) -> Option<broadcast::Receiver<Hint>>;

    /// The mark of the blob store that all processes on this store use, or whose turn it is to
    /// write it.
    async fn blob_store_mark(&self, _me: InstanceId) -> StoreResult<BlobStoreMark> {
        Ok(BlobStoreMark::NotNeeded)
    }

    /// Confirms that the blob store has the mark.
    async fn confirm_blob_store(&self, _mark: uuid::Uuid) -> StoreResult<()> {
        Ok(())
    }

    /// How far the clock for leases and expiry is ahead of this machine's, recently measured; zero
    /// if it is this machine's.
    fn clock_offset(&self) -> TimeDelta {
        TimeDelta::zero()
    }

    /// Whether other processes may have it open.
    fn is_shared(&self) -> bool {
        self.hints().is_some()
    }

    /// Sets the bounds on owners for all further calls. An owner who has more keeps it: nothing is
    /// removed, and no job stops.
    fn limit_owners(&self, limits: OwnerLimits);

    /// Finishes pending work, releases all files, connections and threads, and returns when they
    /// are gone. Every later call fails with [`StoreError::Closed`].
    async fn close(&self) -> StoreResult<()>;
}
