//! The input of a report, from the store to the renderer.

use std::fs::File;
use std::io::{self, BufReader};

use bytes::Bytes;
use lastcall_domain::profile::Profile;
use lastcall_domain::{
    Cancel, Dataset, Dependency, Job, JobError, JobSpec, LocalBlob, ReadOptions, ReportFormat,
    ReportOptions, Timestamp, assert_may_compute,
};
use lastcall_render::{Origin, OriginDataset, ReportInput, StoredResult};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::cancellable::Cancellable;
use super::errors::stopping;

/// Bytes read from a file at a time.
const PIECE: usize = 256 * 1024;
/// The memory of the smallest report, in bytes: the layout, the styles, the archive.
const MIN_MEMORY: u64 = 2 << 20;
/// The memory of a column of a profile in its report: its statistics and its charts.
const MEMORY_PER_COLUMN: u64 = 16 << 10;
/// The memory for each byte of JSON, as values and as text of the document.
const MEMORY_PER_JSON_BYTE: u64 = 4;
/// The most bytes of a query's result that a document shows; see the limits of the renderer.
const MAX_SHOWN: u64 = 16 << 20;
/// The memory of a chart: 100,000 rows of nine numbers and their drawing, or the cells of a sheet
/// of 32,000.
const CHART_MEMORY: u64 = 32 << 20;
/// The memory of a workbook of a query's result, which holds one row at a time.
const WORKBOOK_MEMORY: u64 = 4 << 20;

/// The input of a report, owned so that it can be sent to another thread.
#[expect(clippy::large_enum_variant, reason = "there is one for each report")]
pub(super) enum Input {
    /// The profile of the dataset.
    Profile(Box<Dataset>, Box<Profile>),
    /// The result of an analysis.
    Stored(Stored),
}

/// The result of an analysis, as it is stored.
pub(super) struct Stored {
    /// The analysis.
    pub(super) spec: JobSpec,
    /// Its datasets; none if they are not all still what it read.
    pub(super) datasets: Vec<OriginDataset>,
    /// The result's size in bytes.
    pub(super) size: u64,
    /// The result.
    pub(super) bytes: StoredBytes,
}

/// Where the bytes are.
pub(super) enum StoredBytes {
    Inline(Bytes),
    File(LocalBlob),
}

impl Input {
    /// About how much memory a report of it takes, in bytes.
    pub(super) fn memory(&self, format: ReportFormat, options: &ReportOptions) -> u64 {
        MIN_MEMORY
            + match self {
                Self::Profile(_, profile) => profile.columns.len() as u64 * MEMORY_PER_COLUMN,
                Self::Stored(stored) => {
                    stored.chart_memory(options)
                        + match (&stored.spec, format) {
                            (JobSpec::Sql { .. }, ReportFormat::Xlsx) => {
                                WORKBOOK_MEMORY.min(stored.size * MEMORY_PER_JSON_BYTE)
                            }
                            (JobSpec::Sql { .. }, _) => {
                                stored.size.min(MAX_SHOWN) * MEMORY_PER_JSON_BYTE
                            }
                            _ => stored.size * MEMORY_PER_JSON_BYTE,
                        }
                }
            }
    }

    /// Calls `render` with the renderer's form of the input.
    ///
    /// # Errors
    /// The job's error if the stored result cannot be read, and the errors of `render`.
    pub(super) fn with<T>(
        &self,
        now: Timestamp,
        job: &Job,
        options: &ReportOptions,
        cancel: &Cancel,
        render: impl FnOnce(&ReportInput<'_>) -> Result<T, JobError>,
    ) -> Result<T, JobError> {
        let (session, id) = (job.session.to_string(), job.id.to_string());
        let datasets = match self {
            Self::Profile(dataset, _) => vec![read_with(dataset, &dataset.read)],
            Self::Stored(stored) => stored.datasets.clone(),
        };
        let origin = Origin {
            datasets: &datasets,
            session: Some(&session),
            job: Some(&id),
        };
        let render = |report: ReportInput<'_>| {
            let report = report.with_template(options.template.as_ref());
            render(&report.from_origin(origin))
        };
        let stored = match self {
            Self::Profile(dataset, profile) => {
                return render(ReportInput::profile(profile, now).titled(dataset.name.as_str()));
            }
            Self::Stored(stored) => stored,
        };
        match &stored.spec {
            JobSpec::Profile { dataset, .. } => {
                let profile: Profile = stored.parse(cancel)?;
                render(ReportInput::profile(&profile, now).titled(dataset.as_str()))
            }
            JobSpec::Sql { query, .. } => {
                let result = match &stored.bytes {
                    StoredBytes::Inline(bytes) => StoredResult::Bytes(bytes),
                    StoredBytes::File(file) => StoredResult::File(file.path()),
                };
                let report = ReportInput::stored(result, Some(query), now);
                render(report.with_chart(options.chart.as_ref()))
            }
            JobSpec::Correlation { dataset, .. } => {
                let report = stored.parse(cancel)?;
                render(ReportInput::correlation(&report, now).titled(dataset.as_str()))
            }
            JobSpec::Compare {
                baseline,
                candidate,
                ..
            } => {
                let report = stored.parse(cancel)?;
                let title = format!("{baseline} and {candidate}");
                render(ReportInput::compare(&report, now).titled(&title))
            }
            JobSpec::Check { dataset, .. } => {
                let report = stored.parse(cancel)?;
                render(ReportInput::check(&report, now).titled(dataset.as_str()))
            }
            JobSpec::Report { .. } => Err(JobError::permanent(
                "not_an_analysis",
                "a report cannot be made of a report",
            )),
        }
    }
}

impl Stored {
    /// About how much memory a chart of it takes, in bytes.
    fn chart_memory(&self, options: &ReportOptions) -> u64 {
        match options.chart {
            Some(_) => CHART_MEMORY.min(self.size * 2 * MEMORY_PER_JSON_BYTE),
            None => 0,
        }
    }

    /// The result, read as `T`.
    ///
    /// # Errors
    /// If it cannot be read, or the job is cancelled meanwhile.
    pub(super) fn parse<T: DeserializeOwned>(&self, cancel: &Cancel) -> Result<T, JobError> {
        assert_may_compute();
        let parsed = match &self.bytes {
            StoredBytes::Inline(bytes) => serde_json::from_slice(bytes),
            StoredBytes::File(file) => {
                let file = File::open(file.path()).map_err(unreadable)?;
                let file = Cancellable::new(file, cancel);
                serde_json::from_reader(BufReader::with_capacity(PIECE, file))
            }
        };
        parsed.map_err(|error| {
            if cancel.is_cancelled() {
                return stopping();
            }
            if error.is_io() {
                return unreadable(error.into());
            }
            JobError::permanent(
                "analysis_not_readable",
                format!("a report needs a result in JSON: {error}"),
            )
        })
    }
}

/// A dataset that was read with these options.
pub(super) fn read_with(dataset: &Dataset, read: &ReadOptions) -> OriginDataset {
    OriginDataset {
        name: dataset.name.to_string(),
        sha256: dataset.sha256.clone(),
        read: shown(read),
    }
}

/// The options that are set: `delimiter=";", header=false`.
fn shown(read: &ReadOptions) -> Option<String> {
    let Ok(Value::Object(fields)) = serde_json::to_value(read) else {
        return None;
    };
    let fields = fields.iter().map(|(name, value)| format!("{name}={value}"));
    let shown = fields.collect::<Vec<_>>().join(", ");
    (!shown.is_empty()).then_some(shown)
}

/// The file of a result cannot be read, whatever its contents.
fn unreadable(error: io::Error) -> JobError {
    JobError {
        unavailable: Dependency::of_work_io(&error),
        ..JobError::transient("io_failed", error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lastcall_domain::TableFormat;

    fn failure(path: &str) -> JobError {
        let stored = Stored {
            spec: JobSpec::Sql {
                query: String::new(),
                parameters: Vec::new(),
                format: TableFormat::Json,
            },
            datasets: Vec::new(),
            size: 1,
            bytes: StoredBytes::File(LocalBlob::in_place(path.into())),
        };
        stored.parse::<Value>(&Cancel::new()).unwrap_err()
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_disk_that_fails_is_no_fault_of_the_result() {
        // A process's memory begins with nothing mapped: reading there fails as a bad disk does.
        for path in ["/proc/self/mem", "/nowhere"] {
            let error = failure(path);
            assert_eq!(error.code, "io_failed", "{path}");
            assert_eq!(error.unavailable, Some(Dependency::Blobs), "{path}");
        }
        let error = failure("/proc/self/status");
        assert_eq!(error.code, "analysis_not_readable");
        assert!(!error.retryable);
    }
}
