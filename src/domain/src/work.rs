//! The port of the work that a service's workers run.

use std::path::PathBuf;

use async_trait::async_trait;

use crate::profile::Profile;
use crate::{Cancel, ContentKey, Dataset, Job, JobError, ProfileOptions, Progress};

/// How far whatever computes steps back behind whatever answers, as the kernel counts it
/// ("niceness"): where a thread of each wants the same core, the one that computes gets a quarter
/// of it. With twice as much it got a tenth, and would hardly come on beside another program that
/// is busy.
pub const NICENESS: i32 = 5;

/// One attempt at a job, as a worker hands it to the work.
#[derive(Clone, Debug)]
pub struct Task {
    /// The job as it was claimed.
    pub job: Job,
    /// Set when the attempt is to stop: its caller's wish, its time, the shutdown, a lost lease.
    pub cancel: Cancel,
    /// How far it has come.
    pub progress: Progress,
}

/// What an attempt made.
#[derive(Debug)]
pub struct Output {
    /// Its media type.
    pub media_type: String,
    /// Its bytes.
    pub body: Body,
    /// What it answers, if the same question may be answered with it again.
    pub content_key: Option<ContentKey>,
}

/// The bytes of an output.
#[derive(Debug)]
pub enum Body {
    /// In memory.
    Bytes(Vec<u8>),
    /// In a file that now belongs to whoever holds this.
    File(PathBuf),
}

/// What a service's workers run. Implemented for analyses and for reports at the boot, and by
/// the tests.
#[async_trait]
pub trait Work: Send + Sync {
    /// Runs one attempt. It ends soon after `task.cancel` is set, with any answer: whoever set
    /// it knows why. It holds no thread of the caller's: long computing is done elsewhere.
    ///
    /// # Errors
    /// The attempt's own error; [`JobError::retryable`] says whether to try again.
    async fn run(&self, task: Task) -> Result<Output, JobError>;
}

/// Who is told of the jobs that end in this process. Called on the thread of a service: it must not
/// block.
pub trait JobObserver: Send + Sync {
    /// A job has ended, and its row says so.
    fn ended(&self, job: &Job);
}

/// Nobody.
impl JobObserver for () {
    fn ended(&self, _: &Job) {}
}

/// How a report comes by the profile that it shows: AnalysisService, asked by message.
#[async_trait]
pub trait Profiles: Send + Sync {
    /// The profile of a dataset. It takes one of AnalysisService's slots, in front of the jobs
    /// that are queued there, and goes through while ReportService drains.
    ///
    /// # Errors
    /// As the analysis itself, and `service_stopped` where AnalysisService is no longer there.
    async fn profile(
        &self,
        dataset: Dataset,
        options: ProfileOptions,
        cancel: Cancel,
        progress: Progress,
    ) -> Result<Profile, JobError>;
}

/// What AnalysisService runs when it is asked for a profile by message.
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
