//! What ReportService's workers run.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::TryStreamExt as _;
use lastcall_domain::profile::Profile;
use lastcall_domain::store::{JobResult, Place, Store};
use lastcall_domain::{
    Blobs, Body, Clock, Job, JobError, JobId, JobSpec, Output, ProfileOptions, Profiles,
    ReportFormat, ReportSource, SqlResult, State, Task, Work,
};
use lastcall_render::{Renderer, ReportInput};
use serde::de::DeserializeOwned;

use super::compute::Compute;
use super::errors::{dataset_not_found, job, stopping};

/// The largest analysis, in bytes, that a report is made of.
const LARGEST_ANALYSIS: u64 = 64 * 1024 * 1024;

/// Reports on profiles and on the results of analyses.
pub(crate) struct ReportWork {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) profiles: Arc<dyn Profiles>,
    pub(crate) renderer: Arc<Renderer>,
    pub(crate) compute: Arc<Compute>,
    pub(crate) clock: Arc<dyn Clock>,
}

/// What is rendered, owned so that it can go to another thread.
enum Input {
    Profile(Box<Profile>),
    Table {
        query: String,
        table: SqlResult,
    },
    Other {
        kind: &'static str,
        value: serde_json::Value,
    },
}

#[async_trait]
impl Work for ReportWork {
    async fn run(&self, task: Task) -> Result<Output, JobError> {
        let JobSpec::Report { source, format } = &task.job.spec else {
            return Err(JobError::permanent(
                "internal",
                "ReportService was handed a job that is not a report",
            ));
        };
        let (title, input) = match source {
            ReportSource::Dataset(name) => {
                let dataset = self
                    .store
                    .dataset(task.job.session, name)
                    .await
                    .map_err(job)?
                    .ok_or_else(|| dataset_not_found(name))?;
                let asked = self.profiles.profile(
                    dataset,
                    ProfileOptions::default(),
                    task.cancel.clone(),
                    task.progress.clone(),
                );
                // The profile may wait for a slot behind work that goes on; this stops at once.
                let profile = tokio::select! {
                    profile = asked => profile?,
                    () = task.cancel.cancelled() => return Err(stopping()),
                };
                (name.to_string(), Input::Profile(Box::new(profile)))
            }
            ReportSource::Analysis(id) => self.analysis(*id).await?,
        };
        self.render(&task, title, input, *format).await
    }
}

impl ReportWork {
    async fn render(
        &self,
        task: &Task,
        title: String,
        input: Input,
        format: ReportFormat,
    ) -> Result<Output, JobError> {
        let now = self.clock.now();
        let (renderer, cancel) = (Arc::clone(&self.renderer), task.cancel.clone());
        let bytes = self
            .compute
            .run(move || {
                let input = match &input {
                    Input::Profile(profile) => ReportInput::profile(profile, now),
                    Input::Table { query, table } => ReportInput::table(table, Some(query), now),
                    Input::Other { kind, value } => ReportInput::other(kind, value, now),
                };
                let input = ReportInput {
                    title: Some(&title),
                    ..input
                };
                renderer.render(&input, format, &cancel)
            })
            .await
            .ok_or_else(stopping)?
            .map_err(job)?;
        Ok(Output {
            media_type: format.media_type().to_owned(),
            body: Body::Bytes(bytes),
        })
    }

    /// The result of an analysis that has ended: the store does not hand out the report before.
    async fn analysis(&self, id: JobId) -> Result<(String, Input), JobError> {
        let analysis = self.store.job(id).await;
        let analysis = analysis
            .map_err(job)?
            .ok_or_else(|| JobError::permanent("analysis_gone", "the analysis is gone"))?;
        if analysis.state() != State::Succeeded {
            return Err(JobError::permanent(
                "analysis_not_succeeded",
                format!("the analysis {id} is {}", analysis.state().as_str()),
            ));
        }
        let result = self.store.result(id).await;
        let result = result
            .map_err(job)?
            .ok_or_else(|| JobError::permanent("analysis_gone", "the analysis's result is gone"))?;
        let bytes = self.bytes(result).await?;
        input(&analysis, &bytes)
    }

    async fn bytes(&self, result: JobResult) -> Result<Vec<u8>, JobError> {
        if result.bytes > LARGEST_ANALYSIS {
            return Err(JobError::permanent(
                "report_too_large",
                "the analysis has more than 64 MiB, which is more than a report can show",
            ));
        }
        match result.place {
            Place::Inline(bytes) => Ok(bytes.into()),
            Place::Blob(key) => {
                let blob = self.blobs.read(&key).await;
                blob.map_err(job)?
                    .stream
                    .try_fold(Vec::new(), async |mut all, piece| {
                        all.extend_from_slice(&piece);
                        Ok(all)
                    })
                    .await
                    .map_err(job)
            }
        }
    }
}

fn input(job: &Job, bytes: &[u8]) -> Result<(String, Input), JobError> {
    Ok(match &job.spec {
        JobSpec::Profile { dataset, .. } => {
            (dataset.to_string(), Input::Profile(Box::new(parse(bytes)?)))
        }
        JobSpec::Sql { query, .. } => (
            "Answer of a query".to_owned(),
            Input::Table {
                query: query.clone(),
                table: parse(bytes)?,
            },
        ),
        spec @ JobSpec::Correlation { dataset, .. } => (
            dataset.to_string(),
            Input::Other {
                kind: spec.kind(),
                value: parse(bytes)?,
            },
        ),
        spec @ JobSpec::Compare {
            baseline,
            candidate,
            ..
        } => (
            format!("{baseline} and {candidate}"),
            Input::Other {
                kind: spec.kind(),
                value: parse(bytes)?,
            },
        ),
        JobSpec::Report { .. } => {
            return Err(JobError::permanent(
                "not_an_analysis",
                "a report cannot be made of a report",
            ));
        }
    })
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JobError> {
    serde_json::from_slice(bytes).map_err(|error| {
        JobError::permanent(
            "analysis_not_readable",
            format!("a report needs a result in JSON: {error}"),
        )
    })
}
