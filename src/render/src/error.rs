//! Errors of reports.

use std::error::Error as _;
use std::io;

use lastcall_domain::Dependency;
use rust_xlsxwriter::XlsxError;

/// An error while a report is rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The report was cancelled.
    #[error("the report was cancelled")]
    Cancelled,
    /// typst rejected the document; a bug, not a fault of the input.
    #[error("the PDF could not be set: {0}")]
    Typeset(String),
    /// The caller's template or logo is invalid, or exceeds a limit.
    #[error("{0}")]
    Template(String),
    /// A caller's template or logo needs a sandbox that the kernel does not support.
    #[error("templates and logos are off: this machine has {0}, and sql.require_sandbox is true")]
    Unprotected(&'static str),
    /// The workbook could not be written; a bug, not a fault of the input.
    #[error("the workbook could not be written: {0}")]
    Workbook(String),
    /// A template or a serializer failed; a bug, not a fault of the input.
    #[error("the report could not be written: {0}")]
    Write(String),
    /// The stored analysis is invalid.
    #[error("a report needs a result in JSON: {0}")]
    Unreadable(String),
    /// The query result has no column of the name in the chart.
    #[error("{0}")]
    ChartColumnNotFound(String),
    /// The chart cannot draw the type of a column.
    #[error("{0}")]
    ChartColumnUnsuitable(String),
    /// The analysis could not be read from disk.
    #[error("reading a file failed: {0}")]
    Io(#[from] io::Error),
    /// The PDF needs more memory than its limit, or the machine has none left.
    #[error("{0}")]
    Exhausted(String),
    /// A dependency is unavailable.
    #[error("{dependency} unavailable: {detail}")]
    Environment {
        /// The dependency.
        dependency: Dependency,
        /// What failed.
        detail: String,
    },
    /// No child process was available, or it was lost through no fault of the document.
    #[error("no process for the PDF: {0}")]
    Unavailable(String),
    /// The thread of the typesetter could not be started.
    #[error("no thread for the typesetter: {0}")]
    Threads(String),
}

impl RenderError {
    /// A stable name for machines.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Typeset(_) | Self::Workbook(_) | Self::Write(_) => "render_failed",
            Self::Template(_) => "template_failed",
            Self::Unprotected(_) => "sandbox_unavailable",
            Self::Unreadable(_) => "analysis_not_readable",
            Self::ChartColumnNotFound(_) => "chart_column_not_found",
            Self::ChartColumnUnsuitable(_) => "chart_column_unsuitable",
            Self::Io(_) => "io_failed",
            Self::Exhausted(_) | Self::Threads(_) => "resource_exhausted",
            Self::Environment { dependency, .. } => dependency.code(),
            Self::Unavailable(_) => "pdf_unavailable",
        }
    }

    /// Whether a retry may succeed.
    pub fn retryable(&self) -> bool {
        matches!(
            self,
            Self::Io(_) | Self::Environment { .. } | Self::Unavailable(_) | Self::Threads(_)
        )
    }

    /// The unavailable dependency, if there is one.
    pub fn dependency(&self) -> Option<Dependency> {
        match self {
            Self::Io(error) => Dependency::of_work_io(error),
            Self::Environment { dependency, .. } => Some(*dependency),
            _ => None,
        }
    }

    /// The error for a temporary file or the output; `None` unless the operating system reported
    /// it.
    pub(crate) fn of_scratch(error: &io::Error) -> Option<Self> {
        let dependency = Dependency::of_io(error, Dependency::Scratch)?;
        let detail = error.to_string();
        Some(Self::Environment { dependency, detail })
    }
}

impl From<askama::Error> for RenderError {
    fn from(error: askama::Error) -> Self {
        Self::Write(error.to_string())
    }
}

impl From<serde_json::Error> for RenderError {
    fn from(error: serde_json::Error) -> Self {
        if error.is_io() {
            return Self::Io(error.into());
        }
        Self::Write(error.to_string())
    }
}

impl From<XlsxError> for RenderError {
    fn from(error: XlsxError) -> Self {
        // The library only opens temporary files.
        let io = match &error {
            XlsxError::IoError(error) => Some(error),
            error => error.source().and_then(|error| error.downcast_ref()),
        };
        let environment = io.and_then(Self::of_scratch);
        environment.unwrap_or_else(|| Self::Workbook(error.to_string()))
    }
}
