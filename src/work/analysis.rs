//! The work of AnalysisService.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use lastcall_domain::profile::Profile;
use lastcall_domain::store::Store;
use lastcall_domain::{
    BlobError, Blobs, Body, Cancel, Clock, ContentKey, Dataset, DatasetName, Format, JobError,
    JobSpec, LocalBlob, NewSessions, Output, ProfileOptions, ProfileWork, Progress, ReadOptions,
    SessionId, SqlParameter, TableFormat, Task, Work, assert_may_compute,
};
use lastcall_engine::{Engine, EngineError, Source};
use lastcall_sql::{ResultFormat, Sql, SqlQuery};
use serde::Serialize;

use super::cancellable::Cancellable;
use super::compute::Compute;
use super::errors::{dataset_not_found, job, scratch_unavailable, stopping};
use super::seen::{Rereads, SeenDatasets};
use super::spool::Spool;
use super::tables::{Conversions, SessionTables, source};
use super::traced::traced;

const JSON: &str = "application/json";

/// Profiles, queries and the other analyses.
pub(crate) struct AnalysisWork {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) sql: Arc<Sql>,
    pub(crate) compute: Arc<Compute>,
    pub(crate) scratch: PathBuf,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) timeout: Duration,
    pub(crate) conversions: Arc<Conversions>,
    pub(crate) new_sessions: Arc<NewSessions>,
}

#[async_trait]
impl Work for AnalysisWork {
    async fn run(&self, task: Task) -> Result<Output, JobError> {
        let key = self.content_key(&task).await;
        let made = self.attempt(&task).await?;
        let mut output = made.output;
        // The dataset may have changed meanwhile.
        if made.whole && key.is_some() && self.content_key(&task).await == key {
            self.new_sessions.remove(task.job.session);
            output.content_key = key;
        }
        Ok(output)
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
        let options = options_of(options, &dataset);
        self.engine_run(&cancel, &progress, move |engine, cancel, progress| {
            let source = source(&dataset, &file);
            engine
                .profile(source, &options, cancel, progress)
                .map_err(job)
        })
        .await
    }
}

impl AnalysisWork {
    /// Repeats the work until no dataset changes while it runs.
    async fn attempt(&self, task: &Task) -> Result<Made, JobError> {
        let mut rereads = Rereads::new();
        loop {
            let seen = SeenDatasets::default();
            let error = match self.run_once(task, &seen).await {
                Ok(made) => return Ok(made),
                Err(error) => error,
            };
            rereads
                .restart(error, &seen, &*self.store, &task.cancel)
                .await?;
        }
    }

    async fn run_once(&self, task: &Task, seen: &SeenDatasets) -> Result<Made, JobError> {
        if let JobSpec::Sql {
            query,
            parameters,
            format,
        } = &task.job.spec
        {
            return self.query(task, query, parameters, *format, seen).await;
        }
        let output = self.analysis_of_rows(task, seen).await?;
        Ok(Made {
            output,
            whole: true,
        })
    }

    /// Runs any analysis other than a query.
    async fn analysis_of_rows(&self, task: &Task, seen: &SeenDatasets) -> Result<Output, JobError> {
        let session = task.job.session;
        let (cancel, progress) = (&task.cancel, &task.progress);
        match &task.job.spec {
            JobSpec::Profile { dataset, options } => {
                let dataset = self.dataset(session, dataset, seen).await?;
                let file = self.open(&dataset).await?;
                let options = options_of(options.clone(), &dataset);
                self.analyse(cancel, progress, move |engine, cancel, progress| {
                    engine.profile(source(&dataset, &file), &options, cancel, progress)
                })
                .await
            }
            JobSpec::Correlation { dataset, options } => {
                let dataset = self.dataset(session, dataset, seen).await?;
                let columns = self.columns(dataset, &options.read).await?;
                self.analyse(cancel, progress, move |engine, cancel, progress| {
                    let (source, read) = (columns.source(), &columns.dataset.read);
                    engine.correlation(source, read, cancel, progress)
                })
                .await
            }
            JobSpec::Compare {
                baseline,
                candidate,
                options,
            } => {
                let left = self.dataset(session, baseline, seen).await?;
                let right = self.dataset(session, candidate, seen).await?;
                let left = self.columns(left, &options.read).await?;
                let right = self.columns(right, &options.read).await?;
                let thresholds = options.thresholds;
                self.analyse(cancel, progress, move |engine, cancel, progress| {
                    let left = (left.source(), &left.dataset.read);
                    let right = (right.source(), &right.dataset.read);
                    engine.compare_with(left, right, &thresholds, cancel, progress)
                })
                .await
            }
            JobSpec::Check {
                dataset,
                contract,
                options,
            } => self.check(task, dataset, contract, options, seen).await,
            JobSpec::Sql { .. } | JobSpec::Report { .. } => Err(JobError::permanent(
                "internal",
                "it is a query, or a job of ReportService",
            )),
        }
    }

    /// The content key of the task, if it depends on nothing else.
    async fn content_key(&self, task: &Task) -> Option<ContentKey> {
        ContentKey::of(&*self.store, task.job.session, &task.job.spec).await
    }

    pub(super) async fn dataset(
        &self,
        session: SessionId,
        name: &DatasetName,
        seen: &SeenDatasets,
    ) -> Result<Dataset, JobError> {
        let dataset = self.store.dataset(session, name).await;
        let dataset = dataset
            .map_err(job)?
            .ok_or_else(|| dataset_not_found(name))?;
        seen.note(&dataset);
        Ok(dataset)
    }

    pub(super) async fn open(&self, dataset: &Dataset) -> Result<LocalBlob, JobError> {
        let file = self.blobs.local(&dataset.blob).await;
        file.map_err(job)
    }

    /// The dataset as read with these options, for an analysis that only needs its columns: the
    /// columns that a query has materialised, if there are any. They give the same result.
    async fn columns(&self, dataset: Dataset, own: &ReadOptions) -> Result<Columns, JobError> {
        let read = own.clone().or(&dataset.read);
        let dataset = Dataset { read, ..dataset };
        let file = match self.blobs.local(&dataset.materialized()).await {
            Ok(file) => file,
            Err(BlobError::NotFound) => {
                let file = self.open(&dataset).await?;
                return Ok(Columns { dataset, file });
            }
            Err(error) => return Err(job(error)),
        };
        let dataset = Dataset {
            format: Format::Parquet,
            read: ReadOptions::default(),
            ..dataset
        };
        Ok(Columns { dataset, file })
    }

    /// Runs an analysis and writes its result as JSON, all of it on a computing thread.
    async fn analyse<T: Serialize>(
        &self,
        cancel: &Cancel,
        progress: &Progress,
        work: impl FnOnce(&Engine, &Cancel, &Progress) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<Output, JobError> {
        let scratch = self.scratch.clone();
        self.engine_run(cancel, progress, move |engine, cancel, progress| {
            let result = work(engine, cancel, progress).map_err(job)?;
            as_json(&result, &scratch, cancel)
        })
        .await
    }

    /// Runs `work` on a computing thread. What it owns ends there as well: the copy of a blob is
    /// removed when it is dropped.
    pub(super) async fn engine_run<T: Send + 'static>(
        &self,
        cancel: &Cancel,
        progress: &Progress,
        work: impl FnOnce(&Engine, &Cancel, &Progress) -> Result<T, JobError> + Send + 'static,
    ) -> Result<T, JobError> {
        let engine = Arc::clone(&self.engine);
        let (cancel, progress) = (cancel.clone(), progress.clone());
        let computed = self.compute.run(move || work(&engine, &cancel, &progress));
        traced("engine", async { computed.await.ok_or_else(stopping)? }).await
    }

    /// The datasets of the task's session, as tables.
    pub(super) fn tables<'a>(&self, task: &Task, seen: &'a SeenDatasets) -> SessionTables<'a> {
        SessionTables {
            session: task.job.session,
            store: Arc::clone(&self.store),
            blobs: Arc::clone(&self.blobs),
            engine: Arc::clone(&self.engine),
            compute: Arc::clone(&self.compute),
            scratch: self.scratch.clone(),
            cancel: task.cancel.clone(),
            conversions: Arc::clone(&self.conversions),
            seen,
            open: Mutex::new(Vec::new()),
        }
    }

    async fn query(
        &self,
        task: &Task,
        query: &str,
        parameters: &[SqlParameter],
        format: TableFormat,
        seen: &SeenDatasets,
    ) -> Result<Made, JobError> {
        let tables = self.tables(task, seen);
        let answer = self.sql.query(
            SqlQuery::new(query).with(parameters),
            &tables,
            result_format(format),
            self.timeout,
            &task.cancel,
            &task.progress,
        );
        let answer = traced("sql query", answer).await.map_err(job)?;
        let whole = !answer.truncated;
        let output = Output {
            media_type: answer.media_type.to_owned(),
            body: match answer.body {
                lastcall_sql::Body::Memory(bytes) => Body::Bytes(bytes),
                lastcall_sql::Body::File(file) => {
                    Body::File(file.keep().map_err(scratch_unavailable)?)
                }
            },
            content_key: None,
        };
        Ok(Made { output, whole })
    }
}

/// The output of an attempt.
struct Made {
    output: Output,
    /// Whether it is complete: with another bound there might be more rows.
    whole: bool,
}

/// What an analysis of columns reads.
struct Columns {
    /// The dataset, in the format of the file and with its options.
    dataset: Dataset,
    file: LocalBlob,
}

impl Columns {
    fn source(&self) -> Source {
        source(&self.dataset, &self.file)
    }
}

/// The options of a profile, completed with the read options of the dataset.
fn options_of(options: ProfileOptions, dataset: &Dataset) -> ProfileOptions {
    ProfileOptions {
        read: options.read.or(&dataset.read),
        ..options
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

pub(super) fn as_json(
    value: &impl Serialize,
    scratch: &Path,
    cancel: &Cancel,
) -> Result<Output, JobError> {
    assert_may_compute();
    let mut spool = Spool::new(scratch);
    let out = Cancellable::new(&mut spool, cancel);
    let written = serde_json::to_writer(out, value).map_err(io::Error::from);
    if cancel.is_cancelled() {
        return Err(stopping());
    }
    let body = written.and_then(|()| spool.finish());
    Ok(Output {
        media_type: JSON.to_owned(),
        body: body.map_err(scratch_unavailable)?,
        content_key: None,
    })
}
