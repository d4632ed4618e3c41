//! What Lastcall is about: sessions, datasets, jobs and their one transition function, the
//! profile, and the ports behind which stores and engines stand.

mod blobs;
mod cancel;
mod clock;
pub mod compare;
pub mod content;
pub mod correlation;
mod dataset;
mod duration;
mod feed;
mod format;
mod id;
mod job;
pub mod lifecycle;
mod memory;
mod options;
mod parameter;
pub mod profile;
mod read_options;
mod read_report;
mod report;
pub mod running_time;
mod session;
pub mod store;
mod transition;
mod work;

pub use blobs::{BlobError, BlobResult, BlobStream, BlobWriter, Blobs, LocalBlob};
pub use cancel::{Cancel, Progress};
pub use clock::{Clock, SystemClock, Timestamp, TokioClock};
pub use dataset::{BlobKey, Dataset, DatasetName, Field, InvalidDatasetName, Schema};
pub use duration::ShownDuration;
pub use feed::{Feed, News, Subscription};
pub use format::Format;
pub use id::{InstanceId, JobId, SessionId};
pub use job::{ClaimRef, Job, JobError, JobSpec, ReportSource, Service, TableFormat};
pub use lifecycle::{Lifecycle, Limits, Refused, State};
pub use memory::{Fault, Faults, MemoryBlobs, MemoryStore};
pub use options::{InvalidOption, ProfileOptions, Thresholds};
pub use parameter::SqlParameter;
pub use read_options::{DEFAULT_MISSING, DateOrder, Mark, ReadOptions, encoding};
pub use read_report::{Certainty, ReadReport, ReadStep, ReadWarning};
pub use report::{ReportFormat, SqlColumn, SqlResult, UnknownReportFormat};
pub use session::{Owner, Session};
pub use store::{Store, StoreError, StoreResult};
pub use transition::{ATTEMPTS_EXHAUSTED, INTERRUPTIONS_EXHAUSTED};
pub use work::{Body, NICENESS, Output, ProfileWork, Profiles, Task, Work};
