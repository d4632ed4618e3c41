//! What AnalysisService's workers run.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use lastcall_domain::profile::Profile;
use lastcall_domain::store::Store;
use lastcall_domain::{
    Blobs, Body, Cancel, Dataset, DatasetName, JobError, JobSpec, LocalBlob, Output,
    ProfileOptions, ProfileWork, Progress, SessionId, SqlParameter, TableFormat, Task, Work,
};
use lastcall_engine::{Engine, EngineError, Source};
use lastcall_sql::{ResultFormat, Sql, SqlQuery};
use serde::Serialize;

use super::compute::Compute;
use super::errors::{dataset_not_found, job, stopping};
use super::tables::{Conversions, SessionTables, source};

const JSON: &str = "application/json";

/// Profiles, queries and the other analyses.
pub(crate) struct AnalysisWork {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) sql: Arc<Sql>,
    pub(crate) compute: Arc<Compute>,
    pub(crate) scratch: PathBuf,
    pub(crate) timeout: Duration,
    pub(crate) conversions: Arc<Conversions>,
}

#[async_trait]
impl Work for AnalysisWork {
    async fn run(&self, task: Task) -> Result<Output, JobError> {
        let session = task.job.session;
        let (cancel, progress) = (&task.cancel, &task.progress);
        match &task.job.spec {
            JobSpec::Profile { dataset, options } => {
                let dataset = self.dataset(session, dataset).await?;
                let progress = progress.clone();
                let options = options.clone();
                let profile = self
                    .profile(dataset, options, cancel.clone(), progress)
                    .await?;
                as_json(&profile)
            }
            JobSpec::Sql {
                query,
                parameters,
                format,
            } => self.query(&task, query, parameters, *format).await,
            JobSpec::Correlation { dataset, options } => {
                let dataset = self.dataset(session, dataset).await?;
                let file = self.open(&dataset).await?;
                let source = source(&dataset, &file);
                let read = options.read.clone().or(&dataset.read);
                self.engine_run(cancel, progress, move |engine, cancel, progress| {
                    engine.correlation(source, &read, cancel, progress)
                })
                .await
                .and_then(|result| as_json(&result))
            }
            JobSpec::Compare {
                baseline,
                candidate,
                options,
            } => {
                let left = self.dataset(session, baseline).await?;
                let right = self.dataset(session, candidate).await?;
                let (left_file, right_file) = (self.open(&left).await?, self.open(&right).await?);
                let sources = (source(&left, &left_file), source(&right, &right_file));
                let options = options.clone();
                self.engine_run(cancel, progress, move |engine, cancel, progress| {
                    engine.compare(sources.0, sources.1, &options.read, cancel, progress)
                })
                .await
                .and_then(|result| as_json(&result))
            }
            JobSpec::Report { .. } => Err(JobError::permanent(
                "internal",
                "AnalysisService was handed a report",
            )),
        }
    }
}

#[async_trait]
impl ProfileWork for AnalysisWork {
    async fn profile(
        &self,
        dataset: Dataset,
        options: ProfileOptions,
        cancel: Cancel,
        progress: Progress,
    ) -> Result<Profile, JobError> {
        let file = self.open(&dataset).await?;
        let source: Source = source(&dataset, &file);
        let options = ProfileOptions {
            read: options.read.or(&dataset.read),
            ..options
        };
        self.engine_run(&cancel, &progress, move |engine, cancel, progress| {
            engine.profile(source, &options, cancel, progress)
        })
        .await
    }
}

impl AnalysisWork {
    async fn dataset(&self, session: SessionId, name: &DatasetName) -> Result<Dataset, JobError> {
        let dataset = self.store.dataset(session, name).await;
        dataset.map_err(job)?.ok_or_else(|| dataset_not_found(name))
    }

    async fn open(&self, dataset: &Dataset) -> Result<LocalBlob, JobError> {
        let file = self.blobs.local(&dataset.blob).await;
        file.map_err(job)
    }

    async fn engine_run<T: Send + 'static>(
        &self,
        cancel: &Cancel,
        progress: &Progress,
        work: impl FnOnce(&Engine, &Cancel, &Progress) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, JobError> {
        let engine = Arc::clone(&self.engine);
        let (cancel, progress) = (cancel.clone(), progress.clone());
        self.compute
            .run(move || work(&engine, &cancel, &progress))
            .await
            .ok_or_else(stopping)?
            .map_err(job)
    }

    async fn query(
        &self,
        task: &Task,
        query: &str,
        parameters: &[SqlParameter],
        format: TableFormat,
    ) -> Result<Output, JobError> {
        let tables = SessionTables {
            session: task.job.session,
            store: Arc::clone(&self.store),
            blobs: Arc::clone(&self.blobs),
            engine: Arc::clone(&self.engine),
            compute: Arc::clone(&self.compute),
            scratch: self.scratch.clone(),
            cancel: task.cancel.clone(),
            conversions: Arc::clone(&self.conversions),
            open: Mutex::new(Vec::new()),
        };
        let answer = self
            .sql
            .query(
                SqlQuery::new(query).with(parameters),
                &tables,
                result_format(format),
                self.timeout,
                &task.cancel,
                &task.progress,
            )
            .await
            .map_err(job)?;
        Ok(Output {
            media_type: answer.media_type.to_owned(),
            body: match answer.body {
                lastcall_sql::Body::Memory(bytes) => Body::Bytes(bytes),
                lastcall_sql::Body::File(file) => Body::File(file.keep().map_err(|error| {
                    JobError::transient("scratch_unavailable", error.to_string())
                })?),
            },
        })
    }
}

fn result_format(format: TableFormat) -> ResultFormat {
    match format {
        TableFormat::Json => ResultFormat::Json,
        TableFormat::Csv => ResultFormat::Csv,
        TableFormat::Parquet => ResultFormat::Parquet,
        TableFormat::Arrow => ResultFormat::Arrow,
    }
}

fn as_json(value: &impl Serialize) -> Result<Output, JobError> {
    let bytes = serde_json::to_vec(value)
        .map_err(|error| JobError::permanent("internal", error.to_string()))?;
    Ok(Output {
        media_type: JSON.to_owned(),
        body: Body::Bytes(bytes),
    })
}
