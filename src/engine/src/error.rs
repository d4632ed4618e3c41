//! Errors of analyses.

use std::io;

use lastcall_domain::{Dependency, InvalidOption};

/// Why an analysis ended without a result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The caller cancelled the analysis.
    #[error("the analysis was cancelled")]
    Cancelled,
    /// The dataset could not be read from disk, or a scratch file not written.
    #[error("reading or writing a file failed: {0}")]
    Io(#[from] io::Error),
    /// The bytes do not conform to the format.
    #[error("{format} is malformed{}: {detail}", At(*.line, *.column))]
    Malformed {
        /// The name of the format.
        format: &'static str,
        /// The line, counted from 1 including the header, if known.
        line: Option<u64>,
        /// The column, counted from 1, if known.
        column: Option<u64>,
        /// What is wrong.
        detail: String,
    },
    /// A record exceeds the memory for one record.
    #[error(
        "the record that begins on line {line} is larger than {limit} bytes; is a quote not closed?"
    )]
    RecordTooLarge {
        /// The line on which the record begins.
        line: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// A value exceeds the memory for one value, in a format without lines.
    #[error("{place} is larger than {limit} bytes")]
    CellTooLarge {
        /// What is too large.
        place: String,
        /// The limit in bytes.
        limit: u64,
    },
    /// More columns than the engine supports.
    #[error("the dataset has more than {limit} columns")]
    TooManyColumns {
        /// The limit.
        limit: u64,
    },
    /// The configured memory does not suffice.
    #[error("the analysis needs more memory than is configured: {detail}")]
    ResourceExhausted {
        /// What did not fit.
        detail: String,
    },
    /// An option of the request is invalid.
    #[error(transparent)]
    InvalidOption(#[from] InvalidOption),
    /// The data is well-formed, but not supported.
    #[error("this dataset cannot be read: {detail}")]
    Unsupported {
        /// What it is.
        detail: String,
    },
    /// The engine was shut down.
    #[error("the engine was shut down")]
    ShutDown,
    /// A bug in the engine.
    #[error("the engine failed: {detail}")]
    Internal {
        /// What failed.
        detail: String,
    },
}

impl EngineError {
    /// A stable name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Io(_) => "io_failed",
            Self::Malformed { .. } => "malformed_data",
            Self::RecordTooLarge { .. } | Self::CellTooLarge { .. } => "record_too_large",
            Self::TooManyColumns { .. } => "too_many_columns",
            Self::ResourceExhausted { .. } => "resource_exhausted",
            Self::InvalidOption(_) => "invalid_option",
            Self::Unsupported { .. } => "unsupported_data",
            Self::ShutDown => "engine_shut_down",
            Self::Internal { .. } => "engine_failed",
        }
    }

    /// Whether a retry may succeed.
    pub fn retryable(&self) -> bool {
        matches!(self, Self::Io(_) | Self::ShutDown | Self::Internal { .. })
    }

    /// The unavailable dependency, if there is one.
    pub fn dependency(&self) -> Option<Dependency> {
        match self {
            Self::Io(error) => Dependency::of_work_io(error),
            _ => None,
        }
    }

    pub(crate) fn malformed(format: &'static str, detail: impl Into<String>) -> Self {
        Self::Malformed {
            format,
            line: None,
            column: None,
            detail: detail.into(),
        }
    }

    /// The error of a library that reads a file: the machine's fault or the file's.
    pub(crate) fn reading(format: &'static str, error: io::Error) -> Self {
        match Dependency::of_work_io(&error) {
            Some(_) => Self::Io(error),
            None => Self::malformed(format, error.to_string()),
        }
    }

    pub(crate) fn internal(detail: impl Into<String>) -> Self {
        Self::Internal {
            detail: detail.into(),
        }
    }
}

/// ` on line 3, column 2`, as far as it is known.
struct At(Option<u64>, Option<u64>);

impl std::fmt::Display for At {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.0, self.1) {
            (Some(line), Some(column)) => write!(f, " on line {line}, column {column}"),
            (Some(line), None) => write!(f, " on line {line}"),
            (None, Some(column)) => write!(f, " in column {column}"),
            (None, None) => Ok(()),
        }
    }
}
