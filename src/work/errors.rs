//! Conversion of the parts' errors into those of jobs and tables.

use lastcall_domain::{BlobError, Dependency, JobError, StoreError};
use lastcall_engine::EngineError;
use lastcall_render::RenderError;
use lastcall_sql::{SqlError, TableError};

/// What the errors of every part have in common.
pub(super) trait Coded: std::fmt::Display {
    /// A stable name.
    fn code(&self) -> &'static str;
    /// Whether a retry may succeed.
    fn retryable(&self) -> bool;
    /// The dependency at fault, if any.
    fn dependency(&self) -> Option<Dependency>;
}

macro_rules! coded {
    ($($error:ty),+) => {$(
        impl Coded for $error {
            fn code(&self) -> &'static str {
                <$error>::code(self)
            }

            fn retryable(&self) -> bool {
                <$error>::retryable(self)
            }

            fn dependency(&self) -> Option<Dependency> {
                <$error>::dependency(self)
            }
        }
    )+};
}

coded!(BlobError, EngineError, RenderError, SqlError, StoreError);

/// Converts a part's error into that of a job.
#[expect(clippy::needless_pass_by_value, reason = "to be named in map_err")]
pub(super) fn job(error: impl Coded) -> JobError {
    JobError {
        retryable: error.retryable(),
        unavailable: error.dependency(),
        ..JobError::permanent(error.code(), error.to_string())
    }
}

/// Converts a part's error into that of a table in a query.
#[expect(clippy::needless_pass_by_value, reason = "to be named in map_err")]
pub(super) fn table(error: impl Coded) -> TableError {
    TableError {
        code: error.code(),
        message: error.to_string(),
        retryable: error.retryable(),
        unavailable: error.dependency(),
    }
}

/// The dataset does not exist (any more).
pub(super) fn dataset_not_found(name: &dyn std::fmt::Display) -> JobError {
    JobError::permanent(
        "dataset_not_found",
        format!("there is no dataset {name} in the session"),
    )
}

/// A temporary file could not be written.
pub(super) fn scratch_unavailable(error: impl Into<std::io::Error>) -> JobError {
    let error = error.into();
    let message = format!("the scratch folder cannot be written to: {error}");
    match Dependency::of_io(&error, Dependency::Scratch) {
        Some(dependency) => JobError::unavailable(dependency, message),
        None => JobError::transient("scratch_unavailable", message),
    }
}

/// As [`scratch_unavailable`], for a table.
pub(super) fn table_scratch(error: std::io::Error) -> TableError {
    let JobError {
        message,
        unavailable,
        ..
    } = scratch_unavailable(error);
    TableError {
        code: unavailable.unwrap_or(Dependency::Scratch).code(),
        message,
        retryable: true,
        unavailable,
    }
}

/// The compute threads are gone, because the process is stopping. Another process will run the job.
pub(super) fn stopping() -> JobError {
    JobError::transient(STOPPED, "the service is stopping")
}

/// As [`stopping`], for a table.
pub(super) fn table_stopping() -> TableError {
    TableError {
        code: STOPPED,
        message: "the service is stopping".to_owned(),
        retryable: true,
        unavailable: None,
    }
}

/// The query was cancelled while it waited for a table.
pub(super) fn table_cancelled() -> TableError {
    TableError {
        code: "cancelled",
        message: "the query was cancelled".to_owned(),
        retryable: false,
        unavailable: None,
    }
}

const STOPPED: &str = "service_stopped";
