//! The port of the stores: what has to be durable, and what a store guarantees.
//!
//! One conformance suite runs on every implementation. Promises that hold for all methods:
//!
//! - A method that returns `Ok` has committed, durably, unless its own text says otherwise.
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

/// Where sessions, datasets and jobs are kept.
#[async_trait]
pub trait Store: Send + Sync {
    // Sessions

    /// Makes a session.
    async fn create_session(
        &self,
        session: Session,
        idempotency: Option<Idempotency>,
    ) -> StoreResult<Admission<Session>>;

    /// The session, expired or not, if it is there and was not deleted.
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

    /// Lets the session end at `expires_at`, if that is later than it was going to. Need not be
    /// durable when it returns.
    async fn renew_session(&self, id: SessionId, expires_at: Timestamp) -> StoreResult<()>;

    /// Deletes the session: it is not found any more, queued jobs are cancelled, running ones
    /// are told to stop, and the next sweep removes what it held. `false` where there is none.
    async fn delete_session(&self, id: SessionId) -> StoreResult<bool>;

    /// Whether a session or job of this id and owner was removed because its time to live
    /// ended, or is being removed for that. Remembered for at least a day.
    async fn was_removed(&self, id: &uuid::Uuid, owner: &Owner) -> StoreResult<bool>;

    // Removal, in two steps so that a crash between them leaves no orphan

    /// Marks up to `limit` sessions as being removed, and names them: those that are deleted or
    /// have expired at `now`, with no job queued or running, and those that an earlier sweep has
    /// marked and not finished. Their jobs and datasets are not found from here on. Costs
    /// nothing that grows with the number of live sessions. On a shared store it names none
    /// while another process sweeps.
    async fn begin_removal(&self, now: Timestamp, limit: u32) -> StoreResult<Vec<SessionId>>;

    /// Removes the rows of sessions that [`begin_removal`](Self::begin_removal) named, after
    /// their blobs are gone.
    async fn finish_removal(&self, sessions: &[SessionId]) -> StoreResult<()>;

    /// Forgets up to `limit` idempotency keys and remembered removals from before `before`, and
    /// says how many.
    async fn purge(&self, before: Timestamp, limit: u32) -> StoreResult<u64>;

    // Datasets

    /// Puts the dataset under its name, if what has the name now meets the precondition.
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

    /// Keeps the columns of the dataset whose bytes are at `blob`, if it is still that one and is
    /// still to be read so.
    async fn set_schema(
        &self,
        blob: &BlobKey,
        read: &ReadOptions,
        schema: &Schema,
    ) -> StoreResult<()>;

    /// Changes how the dataset is to be read, and forgets its columns, if its bytes and its read
    /// options are still those that were `seen`. `false` where they are not, or there is no
    /// dataset of that name any more: then nothing was changed.
    async fn set_read_options(&self, seen: &Dataset, read: ReadOptions) -> StoreResult<bool>;

    /// Deletes the dataset, if it meets the precondition, and gives it back. `None` where nothing
    /// was deleted.
    async fn delete_dataset(
        &self,
        session: SessionId,
        name: &DatasetName,
        precondition: &Precondition,
    ) -> StoreResult<Option<Dataset>>;

    // Jobs, from the caller's side

    /// Accepts a job. When this returns [`Admission::Created`], the job is on disk.
    /// Repeated with the same job id, after an answer that was lost, it makes nothing and gives
    /// the job as it is now.
    async fn submit(&self, submission: Submission) -> StoreResult<Admission<Job>>;

    /// Accepts a job whose result is there already: it has succeeded when this returns, and waits
    /// in no queue. Repeats are answered as by [`submit`](Self::submit).
    async fn submit_answered(
        &self,
        submission: Submission,
        result: JobResult,
    ) -> StoreResult<Admission<Job>>;

    /// The job.
    async fn job(&self, id: JobId) -> StoreResult<Option<Job>>;

    /// The jobs that the filter lets through.
    async fn jobs(
        &self,
        filter: &JobFilter,
        after: Option<JobId>,
        limit: u32,
    ) -> StoreResult<Page<Job>>;

    /// The result of a job that has succeeded.
    async fn result(&self, id: JobId) -> StoreResult<Option<JobResult>>;

    /// The job whose result has this key; the latest where there are several.
    async fn answer_to(&self, key: &ContentKey) -> StoreResult<Option<JobId>>;

    /// Cancels a queued job at once; of a running one notes the wish. The job as it is then, or
    /// `None` where there is none. A job that has ended is left as it is.
    async fn cancel(&self, id: JobId) -> StoreResult<Option<Job>>;

    // Jobs, from the worker's side

    /// Claims jobs as the order says: the owners take turns as [`Rotation`] says, and those of one
    /// owner go the oldest first; no job whose
    /// [`depends_on`](crate::JobSpec::depends_on) has not ended, and none whose row this version
    /// cannot read: that one stays as it is. Need not be durable when it
    /// returns where no other process can claim: a claim that a crash forgets is a job that is
    /// still queued.
    ///
    /// # Cancel safety
    /// A claim whose answer is not waited for, or is lost, costs nothing: the store undoes it
    /// before it claims or expires anything else.
    async fn claim(&self, order: ClaimOrder) -> StoreResult<Vec<Job>>;

    /// Renews the leases of these claims and notes their progress (0 to 1). The answers are in
    /// the order of the claims. Need not be durable when it returns.
    async fn heartbeat(
        &self,
        claims: &[(ClaimRef, f64)],
        lease: Duration,
    ) -> StoreResult<Vec<HeartbeatResult>>;

    /// Ends a claim. The job as it is then (it may be queued again, for another attempt), or why
    /// nothing was changed.
    async fn complete(&self, claim: ClaimRef, outcome: Outcome) -> StoreResult<WriteResult>;

    /// Gives claims back in order, all in one transaction: interruptions, not attempts. Wakes
    /// peers. The answers are in the order of the claims.
    async fn hand_back(&self, claims: &[ClaimRef]) -> StoreResult<Vec<WriteResult>>;

    /// Takes jobs away from workers whose lease has run out, up to `limit`, and gives them as
    /// they are then. None of the jobs that the caller has `in_hand`: it lives, however late its
    /// heartbeat is.
    async fn expire_leases(&self, in_hand: &[JobId], limit: u32) -> StoreResult<Vec<Job>>;

    /// Takes up what a dead process left, at start: on a store that one process owns, every
    /// running job; on a shared store, those whose lease has run out. How many there were.
    async fn recover(&self) -> StoreResult<u64>;

    // The store itself

    /// Figures for the operator. May be up to a second old.
    async fn counts(&self) -> StoreResult<StoreCounts>;

    /// Whether it can be reached and written to.
    async fn ping(&self) -> StoreResult<()>;

    /// What other processes do; `None` where no other process can have it open.
    fn hints(&self) -> Option<broadcast::Receiver<Hint>>;

    /// Which mark the blob store carries that all processes on this store use, or whose turn it is to
    /// write it.
    async fn blob_store_mark(&self, _me: InstanceId) -> StoreResult<BlobStoreMark> {
        Ok(BlobStoreMark::NotNeeded)
    }

    /// Says that the blob store carries the mark.
    async fn confirm_blob_store(&self, _mark: uuid::Uuid) -> StoreResult<()> {
        Ok(())
    }

    /// By how much the clock that leases and expiry are measured on is ahead of this machine's, as
    /// of a moment ago; zero where it is this machine's.
    fn clock_offset(&self) -> TimeDelta {
        TimeDelta::zero()
    }

    /// Whether other processes may have it open.
    fn is_shared(&self) -> bool {
        self.hints().is_some()
    }

    /// Sets what one owner may have at once, for whatever is asked for from now on. An owner who
    /// has more keeps it: nothing is removed, and no job stops.
    fn limit_owners(&self, limits: OwnerLimits);

    /// Finishes what was begun, lets go of all files, connections and threads, and returns when
    /// they are gone. Every later call is answered with [`StoreError::Closed`].
    async fn close(&self) -> StoreResult<()>;
}
