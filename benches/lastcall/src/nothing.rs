//! Work that does nothing, and work that never ends.

use async_trait::async_trait;
use lastcall_domain::profile::Profile;
use lastcall_domain::{
    Body, Cancel, Dataset, Dependency, Environment, JobError, Output, ProfileOptions, ProfileWork,
    Progress, Task, Work,
};

/// Ends at once, with an empty result.
pub(crate) struct Nothing;

#[async_trait]
impl Work for Nothing {
    async fn run(&self, _task: Task) -> Result<Output, JobError> {
        Ok(Output {
            media_type: "application/json".to_owned(),
            body: Body::Bytes(b"{}".to_vec()),
            content_key: None,
        })
    }
}

/// Runs until it is cancelled: its slot is taken, and the jobs behind it wait.
pub(crate) struct Parked;

#[async_trait]
impl Work for Parked {
    async fn run(&self, task: Task) -> Result<Output, JobError> {
        task.cancel.cancelled().await;
        Err(JobError::transient("cancelled", "it was cancelled"))
    }
}

/// Every dependency is available.
pub(crate) struct Present;

#[async_trait]
impl Environment for Present {
    async fn probe(&self, _dependency: Dependency) -> Result<(), String> {
        Ok(())
    }
}

/// No report requests a profile here.
pub(crate) struct NoProfiles;

#[async_trait]
impl ProfileWork for NoProfiles {
    async fn profile(
        &self,
        _dataset: Dataset,
        _options: ProfileOptions,
        _cancel: Cancel,
        _progress: Progress,
    ) -> Result<Profile, JobError> {
        Err(JobError::permanent(
            "unsupported",
            "there is no engine here",
        ))
    }
}
