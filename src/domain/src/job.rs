//! A job: an accepted analysis or report that will end exactly once.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::lifecycle::{Lifecycle, State};
use crate::trace::TraceContext;
use crate::{
    BlobError, CheckOptions, CompareOptions, DatasetName, Dependency, JobId, Labels, Owner,
    Priority, ProfileOptions, ReadOptions, ReportFormat, ReportOptions, SessionId, SqlParameter,
    Timestamp,
};

/// The service that runs a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// AnalysisService.
    Analysis,
    /// ReportService.
    Report,
}

impl Service {
    /// Both, in their start order.
    pub const ALL: [Self; 2] = [Self::Analysis, Self::Report];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Analysis => "analysis",
            Self::Report => "report",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Service {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|s| s.as_str() == text).ok_or(())
    }
}

/// The specification of a job, stored in its row as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum JobSpec {
    /// The profile of a dataset.
    Profile {
        /// The dataset.
        dataset: DatasetName,
        /// How to read it, when to alert.
        #[serde(default)]
        options: ProfileOptions,
    },
    /// A read-only query over the session's datasets.
    Sql {
        /// The query.
        query: String,
        /// The values of its placeholders, `$1` first.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        parameters: Vec<SqlParameter>,
        /// The format of the result.
        #[serde(default)]
        format: TableFormat,
    },
    /// The associations between the columns of a dataset.
    Correlation {
        /// The dataset.
        dataset: DatasetName,
        /// How to read it.
        #[serde(default)]
        options: ProfileOptions,
    },
    /// How two datasets differ.
    Compare {
        /// The dataset that is compared with.
        #[serde(alias = "dataset")]
        baseline: DatasetName,
        /// The dataset that is compared.
        #[serde(alias = "with")]
        candidate: DatasetName,
        /// How to read both.
        #[serde(default)]
        options: CompareOptions,
    },
    /// The checks of a data contract on a dataset.
    Check {
        /// The dataset.
        dataset: DatasetName,
        /// The contract.
        contract: Value,
        /// How to read the dataset, and how many failing rows to show.
        #[serde(default)]
        options: CheckOptions,
    },
    /// A report.
    Report {
        /// On what.
        source: ReportSource,
        /// In which format.
        format: ReportFormat,
        /// Its options.
        #[serde(default, skip_serializing_if = "ReportOptions::is_default")]
        options: Box<ReportOptions>,
    },
}

/// The source of a report.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportSource {
    /// The profile of a dataset, requested from AnalysisService when the report runs.
    Dataset(DatasetName),
    /// The result of an analysis. The report starts after it has ended.
    Analysis(JobId),
}

/// The format of a table of rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum TableFormat {
    /// `{columns, rows, row_count, truncated}`.
    #[default]
    Json,
    /// RFC 4180 with a header.
    Csv,
    /// Apache Parquet.
    Parquet,
    /// An Arrow IPC stream.
    Arrow,
}

impl TableFormat {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
        }
    }
}

impl JobSpec {
    /// Who runs it.
    pub fn service(&self) -> Service {
        match self {
            Self::Report { .. } => Service::Report,
            _ => Service::Analysis,
        }
    }

    /// The `kind` on the wire.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Profile { .. } => "profile",
            Self::Sql { .. } => "sql",
            Self::Correlation { .. } => "correlation",
            Self::Compare { .. } => "compare",
            Self::Check { .. } => "check",
            Self::Report { .. } => "report",
        }
    }

    /// The `format` on the wire.
    pub fn format(&self) -> &'static str {
        match self {
            Self::Report { format, .. } => format.as_str(),
            Self::Sql { format, .. } => format.as_str(),
            _ => "json",
        }
    }

    /// Whether it refers to the dataset. A query refers to none, as far as its row shows, and
    /// neither does a report on an analysis.
    pub fn names(&self, dataset: &DatasetName) -> bool {
        self.datasets().contains(&dataset)
    }

    /// The datasets that it refers to, each once; see [`names`](Self::names).
    pub fn datasets(&self) -> Vec<&DatasetName> {
        match self {
            Self::Profile { dataset, .. }
            | Self::Correlation { dataset, .. }
            | Self::Check { dataset, .. } => vec![dataset],
            Self::Compare {
                baseline,
                candidate,
                ..
            } => {
                let mut both = vec![baseline, candidate];
                both.dedup();
                both
            }
            Self::Report { source, .. } => match source {
                ReportSource::Dataset(dataset) => vec![dataset],
                ReportSource::Analysis(_) => Vec::new(),
            },
            Self::Sql { .. } => Vec::new(),
        }
    }

    /// Its own read options, which override those of its datasets.
    pub fn read(&self) -> Option<&ReadOptions> {
        match self {
            Self::Profile { options, .. } | Self::Correlation { options, .. } => {
                Some(&options.read)
            }
            Self::Compare { options, .. } => Some(&options.read),
            Self::Check { options, .. } => Some(&options.read),
            Self::Sql { .. } | Self::Report { .. } => None,
        }
    }

    /// The job that must end before this one can start.
    pub fn depends_on(&self) -> Option<JobId> {
        match self {
            Self::Report {
                source: ReportSource::Analysis(job),
                ..
            } => Some(*job),
            _ => None,
        }
    }
}

/// A job as in its row, without its result.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// The session that holds it.
    pub session: SessionId,
    /// Who may see it.
    pub owner: Owner,
    /// What it is to do.
    pub spec: JobSpec,
    /// Its priority in the queue of its owner.
    pub priority: Priority,
    /// The labels set by its caller.
    pub labels: Labels,
    /// Its lifecycle.
    pub lifecycle: Lifecycle,
    /// How far it has come, 0 to 1.
    pub progress: f64,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When its last attempt began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// Why it failed.
    pub error: Option<JobError>,
    /// The trace context of the request that submitted it.
    pub trace: Option<TraceContext>,
}

impl Job {
    /// A job of normal priority that was accepted at `now`.
    pub fn new(id: JobId, session: SessionId, owner: Owner, spec: JobSpec, now: Timestamp) -> Self {
        Self {
            id,
            session,
            owner,
            spec,
            priority: Priority::default(),
            labels: Labels::default(),
            lifecycle: Lifecycle::new(),
            progress: 0.0,
            created_at: now,
            started_at: None,
            finished_at: None,
            error: None,
            trace: None,
        }
    }

    /// The same job, submitted by the request of this trace context.
    #[must_use]
    pub fn traced(self, trace: Option<TraceContext>) -> Self {
        Self { trace, ..self }
    }

    /// The same job, with an existing result.
    #[must_use]
    pub fn answered(self) -> Self {
        Self {
            lifecycle: Lifecycle::answered(),
            progress: 1.0,
            started_at: Some(self.created_at),
            finished_at: Some(self.created_at),
            ..self
        }
    }

    /// Who runs it.
    pub fn service(&self) -> Service {
        self.spec.service()
    }

    /// Its state.
    pub fn state(&self) -> State {
        self.lifecycle.state
    }

    /// A reference to its current claim.
    pub fn claim(&self) -> ClaimRef {
        ClaimRef {
            job: self.id,
            epoch: self.lifecycle.epoch,
        }
    }
}

/// One claim of a job. Every write of a worker carries it; the epoch of a job grows with each
/// claim, so a write with an old one is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClaimRef {
    /// The job.
    pub job: JobId,
    /// The epoch that the claim began.
    pub epoch: u64,
}

/// Why a job, or one attempt at it, failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{code}: {message}")]
pub struct JobError {
    /// A stable name from the documented list.
    pub code: String,
    /// What happened and what to do, for people.
    pub message: String,
    /// Whether another attempt may succeed.
    #[serde(default, skip_serializing)]
    pub retryable: bool,
    /// The dependency at fault, instead of the job.
    #[serde(skip)]
    pub unavailable: Option<Dependency>,
}

impl JobError {
    /// An error that would recur in another attempt.
    pub fn permanent(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            retryable: false,
            unavailable: None,
        }
    }

    /// An error caused by an unavailable dependency: the attempt continues when it has recovered.
    pub fn unavailable(dependency: Dependency, message: impl Into<String>) -> Self {
        Self {
            unavailable: Some(dependency),
            ..Self::transient(dependency.code(), message)
        }
    }

    /// Whether there was no room for the job's output. If others find room, it is too large.
    pub fn is_out_of_space(&self) -> bool {
        self.code == BlobError::NoSpace(String::new()).code()
    }

    /// An error that may not recur in another attempt.
    pub fn transient(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            retryable: true,
            ..Self::permanent(code, message)
        }
    }
}
