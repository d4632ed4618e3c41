//! Errors of reports.

use std::error::Error as _;
use std::io;

use lastcall_domain::Dependency;
use rust_xlsxwriter::XlsxError;

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The flag was set before the report was done.
    #[error("the report was cancelled")]
    Cancelled,
    /// The typesetter refused the document; a fault of ours, not of the input.
    #[error("the PDF could not be set: {0}")]
    Typeset(String),
    /// The caller's template or logo has a fault, or takes more than it may.
    #[error("{0}")]
    Template(String),
    /// The kernel cannot shut in what a caller's template or logo asks for.
    #[error("templates and logos are off: this machine has {0}, and sql.require_sandbox is true")]
    Unprotected(&'static str),
    /// The workbook could not be written; a fault of ours, not of the input.
    #[error("the workbook could not be written: {0}")]
    Workbook(String),
    /// A template or a serializer failed; a fault of ours, not of the input.
    #[error("the report could not be written: {0}")]
    Write(String),
    /// What is stored of the analysis is not what a report can be made of.
    #[error("a report needs a result in JSON: {0}")]
    Unreadable(String),
    /// The answer has no column of the name that a chart asks for.
    #[error("{0}")]
    ChartColumnNotFound(String),
    /// The answer's column is not one that the chart can draw.
    #[error("{0}")]
    ChartColumnUnsuitable(String),
    /// The analysis could not be read from disk.
    #[error("reading a file failed: {0}")]
    Io(#[from] io::Error),
    /// The PDF needs more memory than it may have, or the machine has none left.
    #[error("{0}")]
    Exhausted(String),
    /// A part of the environment is away that it needs.
    #[error("{dependency} unavailable: {detail}")]
    Environment {
        /// Which part.
        dependency: Dependency,
        /// What is known of it.
        detail: String,
    },
    /// No child process could be had, or it was lost for no fault of the document.
    #[error("no process for the PDF: {0}")]
    Unavailable(String),
    /// The machine has no thread to spare for the typesetter.
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

    /// Whether the same input may do better another time.
    pub fn retryable(&self) -> bool {
        matches!(
            self,
            Self::Io(_) | Self::Environment { .. } | Self::Unavailable(_) | Self::Threads(_)
        )
    }

    /// The part of the environment whose fault it is.
    pub fn dependency(&self) -> Option<Dependency> {
        match self {
            Self::Io(error) => Dependency::of_work_io(error),
            Self::Environment { dependency, .. } => Some(*dependency),
            _ => None,
        }
    }

    /// What an error of a temporary file is, or of what a report is written to; `None` where it is
    /// none of the operating system's.
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
        // Its files are temporary ones.
        let io = match &error {
            XlsxError::IoError(error) => Some(error),
            error => error.source().and_then(|error| error.downcast_ref()),
        };
        let environment = io.and_then(Self::of_scratch);
        environment.unwrap_or_else(|| Self::Workbook(error.to_string()))
    }
}
