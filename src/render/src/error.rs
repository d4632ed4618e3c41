//! What can go wrong with a report.

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The flag was set before the report was done.
    #[error("the report was cancelled")]
    Cancelled,
    /// The typesetter refused the document; a fault of ours, not of the input.
    #[error("the PDF could not be set: {0}")]
    Typeset(String),
    /// The workbook could not be written; a fault of ours, not of the input.
    #[error("the workbook could not be written: {0}")]
    Workbook(String),
    /// A template or a serializer failed; a fault of ours, not of the input.
    #[error("the report could not be written: {0}")]
    Write(String),
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
            Self::Threads(_) => "resource_exhausted",
        }
    }

    /// Whether the same input may do better another time.
    pub fn retryable(&self) -> bool {
        matches!(self, Self::Threads(_))
    }
}

impl From<askama::Error> for RenderError {
    fn from(error: askama::Error) -> Self {
        Self::Write(error.to_string())
    }
}

impl From<serde_json::Error> for RenderError {
    fn from(error: serde_json::Error) -> Self {
        Self::Write(error.to_string())
    }
}

impl From<rust_xlsxwriter::XlsxError> for RenderError {
    fn from(error: rust_xlsxwriter::XlsxError) -> Self {
        Self::Workbook(error.to_string())
    }
}
