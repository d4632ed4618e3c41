//! The domain: sessions, datasets, jobs and their one transition function, the profile, and the
//! ports that stores and engines implement.

mod answered;
mod arbiter;
mod blobs;
mod cancel;
mod chart;
pub mod check;
mod clock;
pub mod compare;
pub mod content;
pub mod correlation;
mod dataset;
mod disk;
mod duration;
mod environment;
mod feed;
mod format;
mod id;
mod job;
pub mod lifecycle;
mod memory;
mod options;
mod owner_limits;
mod parameter;
mod priority;
pub mod profile;
mod read_options;
mod read_report;
mod report;
pub mod running_time;
mod session;
pub mod store;
mod template;
pub mod trace;
mod transition;
mod work;

pub use answered::{Answered, ContentKey, Inputs};
pub use arbiter::{assert_may_compute, mark_arbiter};
pub use blobs::{BlobError, BlobResult, BlobStream, BlobWriter, Blobs, LocalBlob};
pub use cancel::{Cancel, Progress};
pub use chart::{ChartSpec, ChartType, MAX_CHART_COLUMN, MAX_CHART_TITLE, MAX_SERIES};
pub use clock::{Clock, SystemClock, Timestamp, TokioClock};
pub use dataset::{BlobKey, Dataset, DatasetName, Field, InvalidDatasetName, Schema};
pub use disk::{Disk, DiskSpace};
pub use duration::ShownDuration;
pub use environment::{Dependency, Environment};
pub use feed::{Feed, News, Subscription};
pub use format::{Format, file_stem};
pub use id::{InstanceId, JobId, SessionId};
pub use job::{ClaimRef, Job, JobError, JobSpec, ReportSource, Service, TableFormat};
pub use lifecycle::{Lifecycle, Limits, Refused, State};
pub use memory::{Fault, Faults, MemoryBlobs, MemoryStore};
pub use options::{CheckOptions, CompareOptions, InvalidOption, ProfileOptions, Thresholds};
pub use owner_limits::OwnerLimits;
pub use parameter::SqlParameter;
pub use priority::Priority;
pub use read_options::{DEFAULT_MISSING, DateOrder, Mark, ReadOptions, encoding};
pub use read_report::{Certainty, ReadReport, ReadStep, ReadWarning};
pub use report::{ReportFormat, ReportOptions, SqlColumn, SqlResult, UnknownReportFormat};
pub use session::{Owner, Session};
pub use store::{Store, StoreError, StoreResult};
pub use template::{
    Logo, MAX_LOGO, MAX_REPORT_TITLE, MAX_TEMPLATE, ReportTemplate, TemplateColors, TemplateSource,
};
pub use transition::{ATTEMPTS_EXHAUSTED, INTERRUPTIONS_EXHAUSTED};
pub use work::{Body, JobObserver, NICENESS, Output, ProfileWork, Profiles, Task, Work};
