//! The result of a query, and its format.

use std::io;

use serde::{Deserialize, Serialize};
use tempfile::TempPath;

/// The format of an answer.
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

    /// The name on the wire, which is also the usual file ending.
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

    /// The format with that name on the wire.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == name)
    }
}

/// The bytes of an answer: in memory while they are few, in a file above that.
#[derive(Debug)]
pub enum Body {
    /// All of the bytes.
    Memory(Vec<u8>),
    /// A file that is removed when this value is dropped.
    File(TempPath),
}

impl Body {
    /// Reads the whole answer into memory.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        match self {
            Self::Memory(bytes) => Ok(bytes.clone()),
            Self::File(path) => std::fs::read(path),
        }
    }
}

/// The answer of a query.
#[derive(Debug)]
pub struct Answer {
    /// The result, in the format that was asked for.
    pub body: Body,
    /// How many bytes there are in [`body`](Self::body).
    pub bytes: u64,
    /// The media type of [`body`](Self::body).
    pub media_type: &'static str,
    /// How many rows there are in [`body`](Self::body).
    pub row_count: u64,
    /// True where the query had more rows than [`SqlConfig::max_rows`](crate::SqlConfig::max_rows);
    /// the rows beyond it are left out.
    pub truncated: bool,
}
