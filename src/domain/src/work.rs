//! The port of the work that a service's workers run.

use std::path::PathBuf;

use async_trait::async_trait;

use crate::profile::Profile;
use crate::{Cancel, ContentKey, Dataset, Job, JobError, ProfileOptions, Progress};

/// The niceness of computing threads. If a computing and a serving thread want the same core, the
/// computing one gets a quarter of it. With twice this value it got a tenth, and would hardly
/// progress beside another busy program.
pub const NICENESS: i32 = 5;

/// One attempt at a job, as passed to the work.
#[derive(Clone, Debug)]
pub struct Task {
    /// The job as it was claimed.
    pub job: Job,
    /// Set when the attempt must stop: it was cancelled, timed out or lost its lease, or the
    /// process shuts down.
    pub cancel: Cancel,
    /// Its progress.
    pub progress: Progress,
}

/// The output of an attempt.
#[derive(Debug)]
pub struct Output {
    /// Its media type.
    pub media_type: String,
    /// Its bytes.
    pub body: Body,
    /// The content key, if the output may be reused for the same input.
    pub content_key: Option<ContentKey>,
}

/// The bytes of an output.
#[derive(Debug)]
pub enum Body {
    /// In memory.
    Bytes(Vec<u8>),
    /// In a file that now belongs to the holder of this.
    File(PathBuf),
}

/// What a service's workers run. Implemented for analyses and reports by the binary, and by the
/// tests.
#[async_trait]
pub trait Work: Send + Sync {
    /// Runs one attempt. It ends soon after `task.cancel` is set, with any result: whoever set it
    /// knows why. It must not block the caller's thread: long computations run elsewhere.
    ///
    /// # Errors
    /// The attempt's own error; [`JobError::retryable`] says whether to retry.
    async fn run(&self, task: Task) -> Result<Output, JobError>;
}

/// Is notified of the jobs that end in this process. Called on the thread of a service: it must not
/// block.
pub trait JobObserver: Send + Sync {
    /// Called when a job has ended, and its row is written.
    fn ended(&self, job: &Job);
}

/// Ignores the notifications.
impl JobObserver for () {
    fn ended(&self, _: &Job) {}
}

/// How a report obtains its profile: from AnalysisService, by message.
#[async_trait]
pub trait Profiles: Send + Sync {
    /// Computes the profile of a dataset, on one of AnalysisService's slots, ahead of the queued
    /// jobs there. Continues while ReportService drains.
    ///
    /// # Errors
    /// As the analysis itself, and `service_stopped` if AnalysisService has stopped.
    async fn profile(
        &self,
        dataset: Dataset,
        options: ProfileOptions,
        cancel: Cancel,
        progress: Progress,
    ) -> Result<Profile, JobError>;
}

/// Computes the profiles that reports request from AnalysisService.
#[async_trait]
pub trait ProfileWork: Send + Sync {
    /// As [`Profiles::profile`], on the caller's slot.
    ///
    /// # Errors
    /// As the analysis itself.
    async fn profile(
        &self,
        dataset: Dataset,
        options: ProfileOptions,
        cancel: Cancel,
        progress: Progress,
    ) -> Result<Profile, JobError>;
}
