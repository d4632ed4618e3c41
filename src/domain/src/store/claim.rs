//! Claims, and how a worker reports their end.

use std::time::Duration;

use bytes::Bytes;

use crate::lifecycle::Ending;
use crate::{BlobKey, ContentKey, InstanceId, Job, JobError, Refused, Service};

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
pub type WriteResult = Result<Job, Refused>;

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

/// The result of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobResult {
    /// Its media type.
    pub media_type: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Where it is.
    pub location: ResultLocation,
    /// What [`Store::answer_to`](super::Store::answer_to) finds it by; `None` where it is not to be
    /// found.
    pub content_key: Option<ContentKey>,
}

/// Where the bytes of a result are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResultLocation {
    /// In the row: at most [`INLINE_RESULT`] bytes.
    Inline(Bytes),
    /// In the blob store.
    Blob(BlobKey),
}

/// Results up to this size, in bytes, are kept in the row, and so cost no second write.
pub const INLINE_RESULT: usize = 64 * 1024;
