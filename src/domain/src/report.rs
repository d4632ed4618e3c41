//! Report formats, and query results as report input.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{ChartSpec, ReportTemplate};

/// The format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ReportFormat {
    /// One self-contained page.
    Html,
    /// A4 pages.
    Pdf,
    /// An Excel workbook.
    Xlsx,
    /// Markdown with tables.
    Md,
    /// The analysis itself. On the command line only: the service gives it as the job's result.
    Json,
}

impl ReportFormat {
    /// Every format.
    pub const ALL: [Self; 5] = [Self::Html, Self::Pdf, Self::Xlsx, Self::Md, Self::Json];

    /// The name on the wire, which is also the file extension.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Html => "html",
            Self::Pdf => "pdf",
            Self::Xlsx => "xlsx",
            Self::Md => "md",
            Self::Json => "json",
        }
    }

    /// The media type of the bytes.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Html => "text/html; charset=utf-8",
            Self::Pdf => "application/pdf",
            Self::Xlsx => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Self::Md => "text/markdown; charset=utf-8",
            Self::Json => "application/json",
        }
    }

    /// The format of a file name's extension.
    pub fn from_file_name(name: &str) -> Option<Self> {
        let ending = name.rsplit_once('.')?.1.to_ascii_lowercase();
        match ending.as_str() {
            "htm" => Some(Self::Html),
            "markdown" => Some(Self::Md),
            ending => ending.parse().ok(),
        }
    }
}

impl std::fmt::Display for ReportFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// There is no report format with this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown report format {0:?}: use html, pdf, xlsx, md or json")]
pub struct UnknownReportFormat(pub String);

impl FromStr for ReportFormat {
    type Err = UnknownReportFormat;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|format| format.as_str() == name)
            .ok_or_else(|| UnknownReportFormat(name.to_owned()))
    }
}

/// The options of a report, besides its source and format, as stored in its row. Unknown fields of
/// newer versions are ignored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReportOptions {
    /// A chart of a query's result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub chart: Option<ChartSpec>,
    /// The look of a PDF.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<ReportTemplate>,
}

impl ReportOptions {
    /// Whether no option is set.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// The answer of an analysis of `kind: "sql"`, as it is on the wire.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SqlResult {
    /// The columns, in order.
    pub columns: Vec<SqlColumn>,
    /// The rows, each with one value per column.
    pub rows: Vec<Vec<Value>>,
    /// How many rows there are in [`rows`](Self::rows).
    pub row_count: u64,
    /// True where the query had more rows than the limit.
    pub truncated: bool,
}

/// A column of an [`SqlResult`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SqlColumn {
    /// Its name; names may repeat.
    pub name: String,
    /// Its type, as SQL names it.
    #[serde(rename = "type")]
    pub kind: String,
}
