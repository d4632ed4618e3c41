//! The port of the stores: what has to be on disk, and what a store promises about it.
//!
//! One conformance suite runs on every implementation. Promises that hold for all methods:
//!
//! - A method that returns `Ok` has committed, durably, unless its own text says otherwise.
//! - Job states change through [`Lifecycle::apply`](crate::Lifecycle::apply) only.
//! - Leases are measured on one clock, the store's: that of the process on SQLite, that of the
//!   database on PostgreSQL, so that skewed machines do not steal each other's jobs.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use crate::lifecycle::{Ending, State};
use crate::{
    BlobKey, ClaimRef, Dataset, DatasetName, Dependency, InstanceId, Job, JobError, JobId, Owner,
    ReadOptions, Refused, Schema, Service, Session, SessionId, Timestamp,
};

/// Why a store could not do what it was asked to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It is out of reach or overloaded; the same call may go through later.
    /// Whether a write that failed so has happened is not known: ids and epochs make it safe
    /// to repeat.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// It is full; nothing was written. The same call may go through once there is room.
    #[error("the store is out of space: {0}")]
    NoSpace(String),
    /// It holds what this version does not understand, or refuses for good.
    #[error("the store failed: {0}")]
    Failed(String),
    /// It was closed by the shutdown.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// A stable name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) | Self::NoSpace(_) => "store_unavailable",
            Self::Failed(_) => "store_failed",
            Self::Closed => "store_closed",
        }
    }

    /// Whether the same call may go through later.
    pub fn retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::NoSpace(_))
    }

    /// The part of the environment whose fault it is.
    pub fn dependency(&self) -> Option<Dependency> {
        self.retryable().then_some(Dependency::Store)
    }
}

/// The result of a store's method.
pub type StoreResult<T> = Result<T, StoreError>;

/// In which order of creation sessions and jobs are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// The oldest first.
    #[default]
    Asc,
    /// The newest first.
    Desc,
}

impl FromStr for Order {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "asc" => Ok(Self::Asc),
            "desc" => Ok(Self::Desc),
            _ => Err(()),
        }
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The entries.
    pub items: Vec<T>,
    /// Whether there are more after the last.
    pub more: bool,
}

/// A request that is answered once: its key, what it asked for, and the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// Whose key it is: keys of different callers do not meet.
    pub owner: Owner,
    /// The caller's key, together with the path that it was used on.
    pub key: String,
    /// A hash of the request.
    pub fingerprint: [u8; 32],
    /// The answer to give to every repeat.
    pub answer: Answer,
}

/// An answer that is kept for repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The `Location` header.
    pub location: Option<String>,
    /// The body, JSON.
    pub body: String,
}

/// What became of a request to make something.
#[derive(Clone, Debug, PartialEq)]
pub enum Admission<T> {
    /// It was made, and is on disk.
    Created(T),
    /// The same request was answered before; nothing was made.
    Replayed(Answer),
    /// The idempotency key was used before with another request; nothing was made.
    KeyReused,
    /// The queue is full; nothing was made.
    QueueFull {
        /// How many jobs are queued.
        queued: u64,
    },
    /// The session does not exist, has expired or was deleted; nothing was made.
    SessionGone,
}

/// A job to be accepted.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The job.
    pub job: Job,
    /// The key under which the request may be repeated.
    pub idempotency: Option<Idempotency>,
    /// How many jobs of the service may be queued, this one included.
    pub max_queued: u64,
}

/// Which jobs to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Of this owner only.
    pub owner: Option<Owner>,
    /// Of this session only.
    pub session: Option<SessionId>,
    /// In this state only.
    pub state: Option<State>,
    /// Of this service only.
    pub service: Option<Service>,
    /// Of this kind only, by its [name](crate::JobSpec::kind).
    pub kind: Option<&'static str>,
    /// Only those that [name](crate::JobSpec::names) this dataset.
    pub dataset: Option<DatasetName>,
    /// Of sessions only whose time to live has not ended by then.
    pub alive_at: Option<Timestamp>,
    /// In this order.
    pub order: Order,
}

/// The result of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobResult {
    /// Its media type.
    pub media_type: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Where it is.
    pub place: Place,
}

/// Where the bytes of a result are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the row: at most [`INLINE_RESULT`] bytes.
    Inline(Bytes),
    /// In the blob store.
    Blob(BlobKey),
}

/// Results up to this size, in bytes, are kept in the row, and so cost no second write.
pub const INLINE_RESULT: usize = 64 * 1024;

/// What a worker wants to claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimOrder {
    /// Jobs of this service.
    pub service: Service,
    /// For this process.
    pub holder: InstanceId,
    /// How long the claim holds without a heartbeat.
    pub lease: Duration,
    /// So many at most.
    pub limit: u32,
    /// Whether one [suspect](crate::Lifecycle::suspect) may be among them: the one with the
    /// fewest attempts. Never more than one.
    pub suspect: bool,
}

impl ClaimOrder {
    /// Up to `limit` jobs of the service, a suspect among them.
    pub fn new(service: Service, holder: InstanceId, lease: Duration, limit: u32) -> Self {
        Self {
            service,
            holder,
            lease,
            limit,
            suspect: true,
        }
    }
}

/// How a claim ended, as its worker says it.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// With this result.
    Succeeded(JobResult),
    /// With this error.
    Failed(JobError),
    /// With its worker, which it may have killed; this error where it was the last attempt.
    WorkerLost(JobError),
    /// Cancelled, as its caller wished.
    Cancelled,
}

impl Outcome {
    /// What it means for the job's lifecycle.
    pub fn ending(&self) -> Ending {
        match self {
            Self::Succeeded(_) => Ending::Succeeded,
            Self::Failed(error) => Ending::Failed {
                retryable: error.retryable,
            },
            Self::WorkerLost(_) => Ending::WorkerLost,
            Self::Cancelled => Ending::Cancelled,
        }
    }
}

/// What became of a worker's write.
pub type Verdict = Result<Job, Refused>;

/// What a heartbeat found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeartbeatResult {
    /// The claim holds.
    Held,
    /// The claim holds, and its caller wants the job cancelled.
    CancelRequested,
    /// The claim is lost: stop, and write nothing.
    Lost,
}

/// How many jobs of a service are where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobCounts {
    /// Waiting.
    pub queued: u64,
    /// In a worker's hand, in this process or another.
    pub running: u64,
}

/// Figures for the operator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreCounts {
    /// Unfinished jobs by service.
    pub jobs: BTreeMap<Service, JobCounts>,
    /// Sessions that have not been removed.
    pub sessions: u64,
}

/// What the processes that share a store know of the blob store that they share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobStoreMark {
    /// No other process can have the store open.
    NotNeeded,
    /// It carries none yet: the caller is to write this one, and then to confirm it.
    Write(uuid::Uuid),
    /// Another process is writing it.
    Pending,
    /// It carries this one.
    Known(uuid::Uuid),
}

/// The clocks of a machine and of its database may be so far apart before it is said.
pub const CLOCK_TOLERANCE: TimeDelta = TimeDelta::seconds(1);

/// What is said where they are further apart; `None` where they are not.
pub fn clock_difference(offset: TimeDelta) -> Option<String> {
    let apart = offset.abs();
    if apart <= CLOCK_TOLERANCE {
        return None;
    }
    let way = if offset > TimeDelta::zero() {
        "behind"
    } else {
        "ahead of"
    };
    Some(format!(
        "the clock of this machine is {} ms {way} that of the database, which decides when sessions \
         and leases end: set it",
        apart.num_milliseconds()
    ))
}

/// Something that another process has done. A hint: it may be lost, and what it says is in
/// the rows anyway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// Jobs of this service were queued.
    Queued(Service),
    /// This job has changed.
    Changed(JobId),
}

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
    async fn forget(&self, before: Timestamp, limit: u32) -> StoreResult<u64>;

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

    /// Changes how the dataset is to be read, and forgets its columns. Gives the dataset as it
    /// was before; `None` where there is none.
    async fn set_read_options(
        &self,
        session: SessionId,
        name: &DatasetName,
        read: ReadOptions,
    ) -> StoreResult<Option<Dataset>>;

    /// Deletes the dataset and gives it back.
    async fn delete_dataset(
        &self,
        session: SessionId,
        name: &DatasetName,
    ) -> StoreResult<Option<Dataset>>;

    // Jobs, from the caller's side

    /// Accepts a job. When this returns [`Admission::Created`], the job is on disk.
    /// Repeated with the same job id, after an answer that was lost, it makes nothing and gives
    /// the job as it is now.
    async fn submit(&self, submission: Submission) -> StoreResult<Admission<Job>>;

    /// Accepts a job whose result is there already: it has succeeded when this returns, and waits
    /// in no queue. Repeats are answered as by [`submit`](Self::submit). `None`, and nothing is
    /// made, where the store cannot do that.
    async fn submit_answered(
        &self,
        submission: Submission,
        result: JobResult,
    ) -> StoreResult<Option<Admission<Job>>> {
        drop((submission, result));
        Ok(None)
    }

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

    /// Cancels a queued job at once; of a running one notes the wish. The job as it is then, or
    /// `None` where there is none. A job that has ended is left as it is.
    async fn cancel(&self, id: JobId) -> StoreResult<Option<Job>>;

    // Jobs, from the worker's side

    /// Claims jobs as the order says, the oldest first; no job whose
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
    async fn complete(&self, claim: ClaimRef, outcome: Outcome) -> StoreResult<Verdict>;

    /// Gives claims back in order, all in one transaction: interruptions, not attempts. Wakes
    /// peers. The answers are in the order of the claims.
    async fn hand_back(&self, claims: &[ClaimRef]) -> StoreResult<Vec<Verdict>>;

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

    /// Finishes what was begun, lets go of all files, connections and threads, and returns when
    /// they are gone. Every later call is answered with [`StoreError::Closed`].
    async fn close(&self) -> StoreResult<()>;
}

/// What has to be true of the dataset that is there, so that another may take its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing.
    #[default]
    None,
    /// There is none.
    Absent,
    /// There is one.
    Present,
    /// There is one, and its SHA-256 is one of these, in lower-case hexadecimal.
    Sha256(Vec<String>),
}

impl Precondition {
    /// Whether what is there meets it.
    pub fn is_met(&self, current: Option<&Dataset>) -> bool {
        match (self, current) {
            (Self::None, _) | (Self::Absent, None) | (Self::Present, Some(_)) => true,
            (Self::Sha256(accepted), Some(current)) => accepted.contains(&current.sha256),
            (Self::Absent, Some(_)) | (Self::Present | Self::Sha256(_), None) => false,
        }
    }
}

/// What [`Store::put_dataset`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one for each upload, which costs far more"
)]
pub enum UploadOutcome {
    /// The dataset has the name now.
    Stored {
        /// The dataset that had it before.
        replaced: Option<Dataset>,
    },
    /// The precondition is not met; nothing was changed.
    PreconditionFailed,
    /// The session is gone; nothing was changed.
    SessionGone,
}
