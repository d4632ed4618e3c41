//! A dataset: a named piece of data in a session.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

use crate::profile::ColumnType;
use crate::{Format, ReadOptions, ReadReport, SessionId, Timestamp};

/// A dataset as in its row.
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
    /// Its read options.
    pub read: ReadOptions,
    /// Its columns and how they were read, once somebody has requested them.
    pub schema: Option<Schema>,
}

impl Dataset {
    /// Whether these are the same bytes with the same read options.
    pub fn is_read_like(&self, other: &Self) -> bool {
        self.blob == other.blob && self.read == other.read
    }

    /// The key of its columns as Parquet, once somebody has requested them: one for each
    /// combination of read options.
    pub fn materialized(&self) -> BlobKey {
        self.derived("parquet")
    }

    /// The key of the profile that was computed for a report.
    pub fn profiled(&self) -> BlobKey {
        self.derived("profile.json")
    }

    /// The key of something derived from the dataset with its read options.
    fn derived(&self, what: &str) -> BlobKey {
        self.blob.derived(&if self.read.is_empty() {
            what.to_owned()
        } else {
            // Serialisation to JSON cannot fail.
            let read = serde_json::to_vec(&self.read).unwrap_or_default();
            let digest = Sha256::digest(&read);
            let short: String = digest[..8].iter().map(|b| format!("{b:02x}")).collect();
            format!("{short}.{what}")
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

/// The name of a dataset, and of its table in SQL: 1 to 128 characters of Unicode in the composed
/// form (NFC), without controls, invisible characters, `/`, `\`, `"` and any blank but the space.
/// It begins with neither `.`, `-` nor a combining mark, and with no space, and ends with none.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DatasetName(String);

/// The text is not a valid name of a dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "a dataset's name has 1 to 128 characters, without control characters, '/', '\\' and '\"', and \
     begins with neither '.', '-' nor a space"
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
        // Names that look the same are the same: some systems send decomposed file names.
        let name: String = if name.is_ascii() {
            name
        } else {
            // Composition shortens no text to less than a quarter of its characters.
            name.chars().take(Self::MAX_LENGTH * 4 + 1).nfc().collect()
        };
        let first = name.chars().next().ok_or(InvalidDatasetName)?;
        let fits = name.chars().count() <= Self::MAX_LENGTH
            && !matches!(first, '.' | '-' | ' ')
            && !is_combining_mark(first)
            && !name.ends_with(' ')
            && name.chars().all(may_stand_in_a_name);
        if fits {
            Ok(Self(name))
        } else {
            Err(InvalidDatasetName)
        }
    }
}

/// Whether the character is visible, and has no meaning in a path or in a quoted name.
fn may_stand_in_a_name(c: char) -> bool {
    let invisible = matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{61c}'
            | '\u{115f}'..='\u{1160}'
            | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{3164}'
            | '\u{fdd0}'..='\u{fdef}'
            | '\u{feff}'
            | '\u{ffa0}'
            | '\u{fff0}'..='\u{ffff}'
            | '\u{e0000}'..='\u{e0fff}'
    );
    let blank = c.is_whitespace() && c != ' ';
    !c.is_control() && !blank && !invisible && !matches!(c, '/' | '\\' | '"')
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

/// The key of a blob. Created by the service only, never from a caller's text, and always below the
/// folder of its session, so that removing a session means removing one prefix. Deleting a blob
/// lists its folder, so none is at the top, where that would list everything.
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

    /// The key of something derived from an upload, named by `suffix`.
    pub fn derived(&self, suffix: &str) -> Self {
        Self(format!("{}.{suffix}", self.0))
    }

    /// A key for the probes of the blob store by one process.
    pub fn probe() -> Self {
        Self(format!("probe/{}", uuid::Uuid::now_v7()))
    }

    /// A key from a store's row.
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn name(text: &str) -> Option<String> {
        DatasetName::try_from(text.to_owned())
            .ok()
            .map(String::from)
    }

    #[test]
    fn a_name_may_be_written_in_any_script() {
        for good in [
            "penguins",
            "_x-1.csv",
            "Umsätze 2024",
            "продажи",
            "顧客名簿",
            "بيانات",
            "विक्रय",
            "📈 q1",
            "a (1)",
        ] {
            assert_eq!(name(good).as_deref(), Some(good));
        }
        assert_eq!(
            name("n".repeat(128).as_str()).map(|name| name.len()),
            Some(128)
        );
        assert_eq!(
            name("é".repeat(128).as_str()).map(|name| name.chars().count()),
            Some(128)
        );
    }

    #[test]
    fn no_blob_is_at_the_top_where_deleting_it_would_list_all_of_them() {
        let session = SessionId::new();
        for key in [
            BlobKey::upload(session),
            BlobKey::result(session, crate::JobId::new(), 1),
            BlobKey::upload(session).derived("parquet"),
            BlobKey::probe(),
        ] {
            assert!(key.as_str().contains('/'), "{key:?}");
        }
    }

    #[test]
    fn what_looks_the_same_is_one_name() {
        assert_eq!(name("e\u{301}t\u{e9}"), name("été"));
    }

    #[test]
    fn the_bound_holds_however_a_name_is_written() {
        // One letter of four characters, which are composed.
        let letter = "\u{3c9}\u{314}\u{342}\u{345}";
        assert_eq!(name(&letter.repeat(128)), Some("\u{1fa7}".repeat(128)));
        assert_eq!(name(&format!("{}x", letter.repeat(128))), None);
    }

    #[test]
    fn what_is_not_seen_or_means_something_to_a_path_is_in_no_name() {
        for bad in [
            "",
            " ",
            " a",
            "a ",
            ".",
            "..",
            ".csv",
            "-x",
            "a/b",
            "a\\b",
            "a\"b",
            "a\0",
            "a\nb",
            "a\u{a0}b",
            "a\u{200b}b",
            "a\u{202e}b",
            "\u{301}a",
            "a\u{feff}",
        ] {
            assert_eq!(name(bad), None, "{bad:?}");
        }
        assert_eq!(name("é".repeat(129).as_str()), None);
    }

    #[test]
    fn the_error_lists_the_forbidden_characters() {
        let error = InvalidDatasetName.to_string();
        assert!(
            error.contains(r#"without control characters, '/', '\' and '"'"#),
            "{error}"
        );
    }
}
