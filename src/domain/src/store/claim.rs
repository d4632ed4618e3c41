//! Claims, and their outcomes.

use std::time::Duration;

use bytes::Bytes;

use crate::lifecycle::Ending;
use crate::{BlobKey, ContentKey, InstanceId, Job, JobError, Refused, Service};

/// A request for claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimOrder {
    /// Jobs of this service.
    pub service: Service,
    /// The process that will hold them.
    pub holder: InstanceId,
    /// How long the claims are valid without a heartbeat.
    pub lease: Duration,
    /// The most jobs.
    pub limit: u32,
    /// Whether one [suspect](crate::Lifecycle::suspect) may be among them: the one with the fewest
    /// attempts. Never more than one.
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

/// The outcome of a claim, as reported by its worker.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// With this result.
    Succeeded(JobResult),
    /// With this error.
    Failed(JobError),
    /// With its worker, which it may have killed; the error applies if it was the last attempt.
    WorkerLost(JobError),
    /// Cancelled by its caller.
    Cancelled,
}

impl Outcome {
    /// The event in the job's lifecycle.
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

/// The result of a worker's write.
pub type WriteResult = Result<Job, Refused>;

/// The result of a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeartbeatResult {
    /// The claim is valid.
    Held,
    /// The claim is valid, and its caller has cancelled the job.
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
    /// Its location.
    pub location: ResultLocation,
    /// The key by which [`Store::answer_to`](super::Store::answer_to) finds it; `None` if it must
    /// not be found.
    pub content_key: Option<ContentKey>,
}

/// The location of a result's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResultLocation {
    /// In the row: at most [`INLINE_RESULT`] bytes.
    Inline(Bytes),
    /// In the blob store.
    Blob(BlobKey),
}

/// Results up to this size, in bytes, are stored in the row, and need no second write.
pub const INLINE_RESULT: usize = 64 * 1024;
