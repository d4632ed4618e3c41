//! The formats of reports that the service makes.

use lastcall_domain::ReportFormat;
use serde::Deserialize;
use utoipa::ToSchema;

/// The format of a report.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = NewReportFormat)]
pub(crate) enum DocumentFormat {
    /// One self-contained page.
    Html,
    /// A4 pages.
    Pdf,
    /// An Excel workbook.
    Xlsx,
    /// Markdown with tables.
    Md,
}

impl From<DocumentFormat> for ReportFormat {
    fn from(format: DocumentFormat) -> Self {
        match format {
            DocumentFormat::Html => Self::Html,
            DocumentFormat::Pdf => Self::Pdf,
            DocumentFormat::Xlsx => Self::Xlsx,
            DocumentFormat::Md => Self::Md,
        }
    }
}
