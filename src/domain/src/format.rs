//! The formats of datasets, and the media types that name them.

use serde::{Deserialize, Serialize};

/// The format of a dataset, after any content encoding was undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Comma-separated values; other delimiters are recognized.
    Csv,
    /// Tab-separated values.
    Tsv,
    /// One JSON object per line.
    Ndjson,
    /// A JSON document: an array of objects, or one object after the other.
    Json,
    /// Apache Parquet.
    Parquet,
    /// Arrow IPC, as a file or as a stream.
    Arrow,
    /// An Excel workbook.
    Xlsx,
    /// A spreadsheet of OpenDocument.
    Ods,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 8] = [
        Self::Csv,
        Self::Tsv,
        Self::Ndjson,
        Self::Json,
        Self::Parquet,
        Self::Arrow,
        Self::Xlsx,
        Self::Ods,
    ];

    /// The name on the wire, which is also the usual file ending.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Ndjson => "ndjson",
            Self::Json => "json",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
            Self::Xlsx => "xlsx",
            Self::Ods => "ods",
        }
    }

    /// The format that a media type names; parameters and case do not matter.
    pub fn from_media_type(media_type: &str) -> Option<Self> {
        let essence = media_type.split(';').next()?.trim().to_ascii_lowercase();
        Some(match essence.as_str() {
            "text/csv" | "application/csv" => Self::Csv,
            "text/tab-separated-values" | "text/tsv" => Self::Tsv,
            "application/x-ndjson"
            | "application/ndjson"
            | "application/jsonl"
            | "application/x-jsonlines"
            | "application/jsonlines" => Self::Ndjson,
            "application/json" | "text/json" => Self::Json,
            "application/vnd.apache.arrow.file" | "application/vnd.apache.arrow.stream" => {
                Self::Arrow
            }
            "application/vnd.apache.parquet" | "application/x-parquet" | "application/parquet" => {
                Self::Parquet
            }
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => Self::Xlsx,
            "application/vnd.oasis.opendocument.spreadsheet" => Self::Ods,
            _ => return None,
        })
    }

    /// The format that a file name's ending tells, a trailing `.gz` or `.zst` not counted.
    pub fn from_file_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let packed = [".gz", ".zst"]
            .iter()
            .find_map(|end| name.strip_suffix(end));
        let name = packed.unwrap_or(&name);
        Some(match name.rsplit_once('.')?.1 {
            "csv" | "txt" => Self::Csv,
            "tsv" | "tab" => Self::Tsv,
            "ndjson" | "jsonl" => Self::Ndjson,
            "json" => Self::Json,
            "parquet" | "pq" => Self::Parquet,
            "arrow" | "arrows" | "feather" | "ipc" => Self::Arrow,
            "xlsx" => Self::Xlsx,
            "ods" => Self::Ods,
            _ => return None,
        })
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
