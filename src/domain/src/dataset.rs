//! A dataset: a named piece of data in a session.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::profile::ColumnType;
use crate::{Format, ReadOptions, ReadReport, SessionId, Timestamp};

/// A dataset as its row says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// The session that holds it.
    pub session: SessionId,
    /// Its name, unique in the session.
    pub name: DatasetName,
    /// Its format.
    pub format: Format,
    /// Its size in bytes, without content encoding.
    pub bytes: u64,
    /// The SHA-256 of these bytes, in lower-case hexadecimal.
    pub sha256: String,
    /// Where the bytes are. Another upload under the same name has another key.
    pub blob: BlobKey,
    /// When it was uploaded.
    pub created_at: Timestamp,
    /// How it is to be read.
    pub read: ReadOptions,
    /// Its columns and how they were read, once somebody has asked for them.
    pub schema: Option<Schema>,
}

impl Dataset {
    /// Where its columns are kept as Parquet once somebody has asked for them: one place for each
    /// way to read it.
    pub fn materialized(&self) -> BlobKey {
        self.blob.derived(&if self.read.is_empty() {
            "parquet".to_owned()
        } else {
            // What cannot be written as JSON does not exist.
            let read = serde_json::to_vec(&self.read).unwrap_or_default();
            let digest = Sha256::digest(&read);
            let short: String = digest[..8].iter().map(|b| format!("{b:02x}")).collect();
            format!("{short}.parquet")
        })
    }
}

/// The columns of a dataset, and how they were read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// The columns, in the order of the data.
    pub columns: Vec<Field>,
    /// How they were read.
    pub read: ReadReport,
}

/// A column's name and type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Field {
    /// The name, made unique where the header repeats one.
    pub name: String,
    /// The type, inferred from every cell.
    #[serde(rename = "type")]
    pub kind: ColumnType,
}

/// The name of a dataset: 1 to 128 characters, of ASCII letters, digits, `_`, `-` and `.`,
/// beginning with a letter, a digit or `_`. It is a table's name in SQL.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DatasetName(String);

/// Why a text is not the name of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a dataset's name has 1 to 128 characters, of letters a-z and A-Z, digits, '_', '-' and '.', and begins with a letter, a digit or '_'"
)]
pub struct InvalidDatasetName;

impl DatasetName {
    /// The longest name, in characters.
    pub const MAX_LENGTH: usize = 128;

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for DatasetName {
    type Error = InvalidDatasetName;

    fn try_from(name: String) -> Result<Self, InvalidDatasetName> {
        let first = name.bytes().next().ok_or(InvalidDatasetName)?;
        let fits = name.len() <= Self::MAX_LENGTH
            && (first.is_ascii_alphanumeric() || first == b'_')
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
        if fits {
            Ok(Self(name))
        } else {
            Err(InvalidDatasetName)
        }
    }
}

impl From<DatasetName> for String {
    fn from(name: DatasetName) -> Self {
        name.0
    }
}

impl fmt::Display for DatasetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a blob is. Made by the service only, never from what a caller says, and always
/// below the folder of its session, so that removing a session is removing one prefix.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BlobKey(String);

impl BlobKey {
    /// A fresh key for an upload.
    pub fn upload(session: SessionId) -> Self {
        Self(format!("{session}/datasets/{}", uuid::Uuid::now_v7()))
    }

    /// The key of a job's result. It carries the epoch, so that a worker that lost its lease
    /// cannot write over its successor's result.
    pub fn result(session: SessionId, job: crate::JobId, epoch: u64) -> Self {
        Self(format!("{session}/results/{job}-{epoch}"))
    }

    /// The key of what was derived from an upload (`suffix`: what it is).
    pub fn derived(&self, suffix: &str) -> Self {
        Self(format!("{}.{suffix}", self.0))
    }

    /// A key at which it is tried whether blobs can be kept.
    pub fn probe() -> Self {
        Self(format!("probe-{}", uuid::Uuid::now_v7()))
    }

    /// A key as a store's row keeps it.
    pub fn from_stored(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// The prefix of everything in a session.
    pub fn prefix(session: SessionId) -> String {
        session.to_string()
    }

    /// The key.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
