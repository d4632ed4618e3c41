//! The work of ReportService.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use lastcall_domain::store::{JobResult, ResultLocation, Store};
use lastcall_domain::trace::{Scope, attempt_context};
use lastcall_domain::{
    Blobs, Body, Cancel, Clock, ContentKey, Dataset, DatasetName, Inputs, Job, JobError, JobId,
    JobSpec, Output, Profiles, ReportFormat, ReportOptions, ReportSource, State, Task, Work,
};
use lastcall_engine::Engine;
use lastcall_render::{OriginDataset, Renderer, ReportInput, Typesetter};

use super::check::read_options;
use super::compute::Compute;
use super::errors::{dataset_not_found, job, scratch_unavailable, stopping};
use super::report_input::{Input, Stored, StoredBytes, read_with};
use super::seen::{Rereads, SeenDatasets};
use super::spool::Spool;
use super::tables::Conversions;
use super::traced::traced;

/// The largest analysis, in bytes, that a report can show.
const MAX_ANALYSIS_BYTES: u64 = 64 * 1024 * 1024;

/// Reports on profiles and on the results of analyses.
pub(crate) struct ReportWork {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) profiles: Arc<dyn Profiles>,
    pub(crate) renderer: Arc<Renderer>,
    pub(crate) typesetter: Arc<Typesetter>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) compute: Arc<Compute>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) scratch: PathBuf,
    pub(crate) conversions: Arc<Conversions>,
}

#[async_trait]
impl Work for ReportWork {
    async fn run(&self, task: Task) -> Result<Output, JobError> {
        let JobSpec::Report { source, format, .. } = &task.job.spec else {
            return Err(JobError::permanent(
                "internal",
                "ReportService received a job that is not a report",
            ));
        };
        let input = match source {
            ReportSource::Dataset(name) => self.profile(&task, name).await?,
            ReportSource::Analysis(id) => Input::Stored(self.analysis(*id).await?),
        };
        let body = match format {
            ReportFormat::Pdf => self.typeset(&task, input).await?,
            format => self.render(&task, input, *format).await?,
        };
        Ok(Output {
            media_type: format.media_type().to_owned(),
            body,
            content_key: None,
        })
    }
}

impl ReportWork {
    async fn profile(&self, task: &Task, name: &DatasetName) -> Result<Input, JobError> {
        let mut rereads = Rereads::new();
        loop {
            let seen = SeenDatasets::default();
            let error = match self.profile_once(task, name, &seen).await {
                Ok(made) => return Ok(made),
                Err(error) => error,
            };
            rereads
                .restart(error, &seen, &*self.store, &task.cancel)
                .await?;
        }
    }

    async fn profile_once(
        &self,
        task: &Task,
        name: &DatasetName,
        seen: &SeenDatasets,
    ) -> Result<Input, JobError> {
        let dataset = self.store.dataset(task.job.session, name).await;
        let dataset = dataset
            .map_err(job)?
            .ok_or_else(|| dataset_not_found(name))?;
        seen.note(&dataset);
        self.profile_of(task, dataset).await
    }

    /// Lays out and writes the report on a computing thread.
    async fn render(
        &self,
        task: &Task,
        input: Input,
        format: ReportFormat,
    ) -> Result<Body, JobError> {
        let scratch = self.scratch.clone();
        self.compute(task, input, format, move |renderer, report, cancel| {
            let mut spool = Spool::new(&scratch);
            renderer
                .write(report, format, cancel, &mut spool)
                .map_err(job)?;
            spool.finish().map_err(scratch_unavailable)
        })
        .await
    }

    /// Typesets a PDF in a child process, which is killed if the task is cancelled.
    async fn typeset(&self, task: &Task, input: Input) -> Result<Body, JobError> {
        let pdf = ReportFormat::Pdf;
        let manuscript = self
            .compute(task, input, pdf, |renderer, report, cancel| {
                renderer.manuscript(report, cancel).map_err(job)
            })
            .await?;
        let set = async {
            let set = self.typesetter.typeset(manuscript, &task.cancel).await;
            set.map(Body::Bytes).map_err(job)
        };
        traced("typeset", set).await
    }

    /// Reads the input of a report and processes it, on a computing thread: even reading a large
    /// analysis takes seconds.
    async fn compute<T: Send + 'static>(
        &self,
        task: &Task,
        input: Input,
        format: ReportFormat,
        work: impl FnOnce(&Renderer, &ReportInput<'_>, &Cancel) -> Result<T, JobError> + Send + 'static,
    ) -> Result<T, JobError> {
        let now = self.clock.now();
        let (renderer, engine) = (Arc::clone(&self.renderer), Arc::clone(&self.engine));
        let (cancel, of) = (task.cancel.clone(), task.job.clone());
        let laid_out = self.compute.run(move || {
            let options = options_of(&of);
            let memory = input.memory(format, &options);
            let _reservation = engine.reserve(memory, &cancel).map_err(job)?;
            input.with(now, &of, &options, &cancel, |report| {
                work(&renderer, report, &cancel)
            })
        });
        traced("render", async { laid_out.await.ok_or_else(stopping)? }).await
    }

    /// The result of an analysis. It has ended: the store does not release the report before.
    pub(super) async fn analysis(&self, id: JobId) -> Result<Stored, JobError> {
        let analysis = self.store.job(id).await;
        let analysis = analysis
            .map_err(job)?
            .ok_or_else(|| JobError::permanent("analysis_gone", "the analysis is gone"))?;
        // Otherwise no attempt made it.
        if !analysis.lifecycle.is_answered() {
            let made_it = attempt_context(&analysis, analysis.lifecycle.epoch);
            Scope::current().link(made_it);
        }
        if analysis.state() != State::Succeeded {
            let why = match &analysis.error {
                Some(error) => format!("failed ({}): {}", error.code, error.message),
                None => format!("is {}", analysis.state().as_str()),
            };
            let message = format!("the analysis {id} {why}");
            return Err(JobError::permanent("analysis_gone", message));
        }
        let result = self.store.result(id).await;
        let result = result
            .map_err(job)?
            .ok_or_else(|| JobError::permanent("analysis_gone", "the analysis's result is gone"))?;
        Ok(Stored {
            datasets: self.datasets(&analysis, result.content_key).await?,
            spec: analysis.spec,
            size: result.bytes,
            bytes: self.bytes(result).await?,
        })
    }

    /// The datasets of an analysis, whose result has this key; none unless everything that it read
    /// is certainly as it was.
    async fn datasets(
        &self,
        analysis: &Job,
        key: Option<ContentKey>,
    ) -> Result<Vec<OriginDataset>, JobError> {
        let (session, spec) = (analysis.session, &analysis.spec);
        let names = spec.datasets();
        if names.is_empty() || key.is_none() {
            return Ok(Vec::new());
        }
        let now = Inputs::of(spec).datasets(&*self.store, session).await;
        let now = now.map_err(job)?.unwrap_or_default();
        if ContentKey::new(session, spec, &now) != key {
            return Ok(Vec::new());
        }
        let named = |name: &DatasetName| now.iter().find(|dataset| dataset.name == *name);
        let read = names.into_iter().filter_map(named);
        Ok(read.map(|dataset| read_by(spec, dataset)).collect())
    }

    async fn bytes(&self, result: JobResult) -> Result<StoredBytes, JobError> {
        if result.bytes > MAX_ANALYSIS_BYTES {
            return Err(JobError::permanent(
                "report_too_large",
                "the analysis has more than 64 MiB, which is more than a report can show",
            ));
        }
        Ok(match result.location {
            ResultLocation::Inline(bytes) => StoredBytes::Inline(bytes),
            ResultLocation::Blob(key) => {
                StoredBytes::File(self.blobs.local(&key).await.map_err(job)?)
            }
        })
    }
}

/// The dataset with the options with which an analysis reads it.
fn read_by(spec: &JobSpec, dataset: &Dataset) -> OriginDataset {
    let own = spec.read().cloned().unwrap_or_default();
    let mut read = own.or(&dataset.read);
    if let JobSpec::Check { contract, .. } = spec
        && let Ok(plan) = lastcall_contract::read(contract, dataset.name.as_str())
    {
        read = read_options(read, &plan.read, dataset.format);
    }
    read_with(dataset, &read)
}

/// The options of a report, besides source and format.
fn options_of(job: &Job) -> ReportOptions {
    match &job.spec {
        JobSpec::Report { options, .. } => (**options).clone(),
        _ => ReportOptions::default(),
    }
}
