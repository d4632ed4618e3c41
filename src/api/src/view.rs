//! Sessions, datasets and jobs in the API.

use chrono::{DateTime, Utc};
use lastcall_domain::lifecycle::State;
use lastcall_domain::profile::ColumnType;
use lastcall_domain::{
    Dataset, Field, Format, Job, JobError, JobSpec, Labels, Priority, ReadOptions, ReadReport,
    ReportFormat, Schema, Service, Session, ShownDuration, TableFormat,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::job_input::JobInput;

/// Bytes, in the form that client generators know.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "what it says is its schema")]
pub(crate) struct Binary(Vec<u8>);

/// A session.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub(crate) struct SessionView {
    /// Its id.
    id: Uuid,
    /// When it was created.
    created_at: DateTime<Utc>,
    /// When it expires, unless it is used before.
    expires_at: DateTime<Utc>,
    /// Its TTL: how long it lives without being used.
    #[schema(example = "30m")]
    ttl: String,
}

impl From<&Session> for SessionView {
    fn from(session: &Session) -> Self {
        Self {
            id: *session.id.as_uuid(),
            created_at: session.created_at,
            expires_at: session.expires_at,
            ttl: ShownDuration(session.ttl).to_string(),
        }
    }
}

/// A dataset, without its columns.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Dataset)]
pub(crate) struct DatasetView {
    /// Its name.
    #[schema(example = "penguins")]
    name: String,
    /// Its format.
    format: Format,
    /// Its size in bytes, without content encoding.
    bytes: u64,
    /// The SHA-256 of these bytes, in hexadecimal.
    sha256: String,
    /// When it was uploaded.
    created_at: DateTime<Utc>,
    /// The read options that its owner has set.
    #[serde(skip_serializing_if = "ReadOptions::is_empty")]
    #[schema(required = false)]
    options: ReadOptions,
}

impl From<&Dataset> for DatasetView {
    fn from(dataset: &Dataset) -> Self {
        Self {
            name: dataset.name.to_string(),
            format: dataset.format,
            bytes: dataset.bytes,
            sha256: dataset.sha256.clone(),
            created_at: dataset.created_at,
            options: dataset.read.clone(),
        }
    }
}

/// A dataset with its columns.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DatasetDescription)]
pub(crate) struct DescriptionView {
    #[serde(flatten)]
    dataset: DatasetView,
    /// Its columns, in order; `null` if the data cannot be read, or not soon enough.
    #[schema(required = true)]
    schema: Option<Vec<FieldView>>,
    /// How they were read: what was given, detected and tolerated.
    #[schema(required = true)]
    read: Option<ReadReport>,
    /// Why there is no schema.
    #[serde(skip_serializing_if = "Option::is_none")]
    schema_error: Option<JobErrorView>,
}

impl DescriptionView {
    pub(crate) fn new(dataset: &Dataset, schema: Result<Schema, JobError>) -> Self {
        let (columns, read, schema_error) = match schema {
            Ok(schema) => (Some(schema.columns), Some(schema.read), None),
            Err(error) => (None, None, Some(JobErrorView::from(&error))),
        };
        Self {
            dataset: dataset.into(),
            schema: columns.map(|fields| fields.iter().map(FieldView::from).collect()),
            read,
            schema_error,
        }
    }
}

/// A column.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Field)]
pub(crate) struct FieldView {
    /// Its name, made unique where the header repeats one.
    name: String,
    /// Its type.
    #[serde(rename = "type")]
    kind: ColumnType,
}

impl From<&Field> for FieldView {
    fn from(field: &Field) -> Self {
        Self {
            name: field.name.clone(),
            kind: field.kind,
        }
    }
}

/// A job.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Job)]
pub(crate) struct JobView {
    /// Its id.
    id: Uuid,
    /// The session that holds it.
    session: Uuid,
    /// The service that runs it.
    service: Service,
    /// What it does.
    kind: JobKind,
    /// The format of its result.
    format: ResultFormat,
    /// Its input.
    #[serde(flatten)]
    input: JobInput,
    /// Its priority among its owner's jobs.
    priority: Priority,
    /// Its labels.
    #[serde(skip_serializing_if = "Labels::is_empty")]
    #[schema(required = false)]
    labels: Labels,
    /// Its state.
    state: State,
    /// Attempts begun, without those that were handed back.
    attempt: u32,
    /// How often it was handed back.
    interruptions: u32,
    /// Its progress, 0 to 1.
    #[schema(minimum = 0, maximum = 1)]
    progress: f64,
    /// When it was accepted.
    created_at: DateTime<Utc>,
    /// When its last attempt began.
    #[schema(required = true)]
    started_at: Option<DateTime<Utc>>,
    /// When it ended.
    #[schema(required = true)]
    finished_at: Option<DateTime<Utc>>,
    /// Why it failed.
    #[schema(required = true)]
    error: Option<JobErrorView>,
    /// Whether the result is that of an earlier job of the session.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    cached: bool,
    /// Related resources.
    links: JobLinks,
}

/// What a job does.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum JobKind {
    /// The profile of a dataset.
    Profile,
    /// A query.
    Sql,
    /// The correlations of a dataset.
    Correlation,
    /// The comparison of two datasets.
    Compare,
    /// The checks of a dataset.
    Check,
    /// A report.
    Report,
}

impl JobKind {
    /// The names of all kinds.
    pub(crate) const ALL: [&'static str; 6] = [
        "profile",
        "sql",
        "correlation",
        "compare",
        "check",
        "report",
    ];

    fn of(spec: &JobSpec) -> Self {
        match spec {
            JobSpec::Profile { .. } => Self::Profile,
            JobSpec::Sql { .. } => Self::Sql,
            JobSpec::Correlation { .. } => Self::Correlation,
            JobSpec::Compare { .. } => Self::Compare,
            JobSpec::Check { .. } => Self::Check,
            JobSpec::Report { .. } => Self::Report,
        }
    }
}

/// The format of a job's result: of a table or of a report.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum ResultFormat {
    /// Of a table; analyses without a table are JSON.
    Table(TableFormat),
    /// Of a report.
    Report(ReportFormat),
}

impl ResultFormat {
    fn of(spec: &JobSpec) -> Self {
        match spec {
            JobSpec::Report { format, .. } => Self::Report(*format),
            JobSpec::Sql { format, .. } => Self::Table(*format),
            _ => Self::Table(TableFormat::Json),
        }
    }
}

/// Resources related to a job.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct JobLinks {
    /// The job.
    #[serde(rename = "self")]
    this: String,
    /// Its events.
    events: String,
    /// Its result.
    result: String,
    /// Its session.
    session: String,
}

/// Why a job failed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = JobError)]
pub(crate) struct JobErrorView {
    /// A stable code from the list in `docs/errors.md`.
    code: String,
    /// What happened and what to do, for people.
    message: String,
}

impl From<&JobError> for JobErrorView {
    fn from(error: &JobError) -> Self {
        Self {
            code: error.code.clone(),
            message: error.message.clone(),
        }
    }
}

impl From<&Job> for JobView {
    fn from(job: &Job) -> Self {
        let path = job_path(job);
        Self {
            id: *job.id.as_uuid(),
            session: *job.session.as_uuid(),
            service: job.service(),
            kind: JobKind::of(&job.spec),
            format: ResultFormat::of(&job.spec),
            input: JobInput::of(&job.spec),
            priority: job.priority,
            labels: job.labels.clone(),
            state: job.state(),
            attempt: job.lifecycle.attempt,
            interruptions: job.lifecycle.interruptions,
            progress: if job.state() == State::Succeeded {
                1.0
            } else {
                job.progress
            },
            created_at: job.created_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
            error: job.error.as_ref().map(JobErrorView::from),
            cached: job.lifecycle.is_answered(),
            links: JobLinks {
                events: format!("{path}/events"),
                result: format!("{path}/result"),
                session: format!("/v1/sessions/{}", job.session),
                this: path,
            },
        }
    }
}

/// The path of a job.
pub(crate) fn job_path(job: &Job) -> String {
    format!("/v1/jobs/{}", job.id)
}
