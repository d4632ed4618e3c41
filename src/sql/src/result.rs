//! The result of a query, and its format.

use std::io;

use serde::{Deserialize, Serialize};
use tempfile::TempPath;

/// The format of a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResultFormat {
    /// `{columns [{name, type}], rows [[…]], row_count, truncated}`.
    #[default]
    Json,
    /// RFC 4180, with a header, UTF-8.
    Csv,
    /// Apache Parquet.
    Parquet,
    /// The streaming format of Apache Arrow IPC.
    Arrow,
}

impl ResultFormat {
    /// Every format.
    pub const ALL: [Self; 4] = [Self::Json, Self::Csv, Self::Parquet, Self::Arrow];

    /// The name in the API, which is also the usual file extension.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
        }
    }

    /// The media type of the bytes.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::Parquet => "application/vnd.apache.parquet",
            Self::Arrow => "application/vnd.apache.arrow.stream",
        }
    }

    /// The format with that name in the API.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == name)
    }
}

/// The bytes of a result: in memory if they are few, otherwise in a file.
#[derive(Debug)]
pub enum Body {
    /// All of the bytes.
    Memory(Vec<u8>),
    /// A file that is removed when this value is dropped.
    File(TempPath),
}

impl Body {
    /// Reads the whole result into memory.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        match self {
            Self::Memory(bytes) => Ok(bytes.clone()),
            Self::File(path) => std::fs::read(path),
        }
    }
}

/// The result of a query.
#[derive(Debug)]
pub struct QueryResult {
    /// The result, in the requested format.
    pub body: Body,
    /// The number of bytes in [`body`](Self::body).
    pub bytes: u64,
    /// The media type of [`body`](Self::body).
    pub media_type: &'static str,
    /// The number of rows in [`body`](Self::body).
    pub row_count: u64,
    /// Whether the query had more rows than [`SqlConfig::max_rows`](crate::SqlConfig::max_rows);
    /// the others are left out.
    pub truncated: bool,
}
