//! An engine in a temporary folder.

use std::path::PathBuf;

use ::parquet::arrow::ArrowWriter;
use arrow::array::{ArrayRef, RecordBatch};
use lastcall_domain::profile::{Column, ColumnType, Profile, Warning};
use lastcall_domain::{Cancel, Format, ProfileOptions, Progress, ReadOptions};
use lastcall_engine::{Engine, EngineConfig, EngineError, Source};
use tempfile::TempDir;

/// An engine, and a folder for its files; panics on drop when temporary files are left.
pub(crate) struct Bench {
    pub(crate) engine: Engine,
    files: TempDir,
    scratch: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(1, 1 << 30)
    }

    pub(crate) fn with(threads: usize, memory: u64) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        Self {
            engine: Engine::new(EngineConfig {
                threads,
                memory,
                scratch: scratch.path().into(),
            }),
            files: tempfile::tempdir().unwrap(),
            scratch,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    /// Writes a dataset whose format the name's ending tells.
    pub(crate) fn source(&self, name: &str, bytes: impl AsRef<[u8]>) -> Source {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        Source::new(path, Format::from_file_name(name).unwrap())
    }

    pub(crate) fn profile(&self, name: &str, bytes: impl AsRef<[u8]>) -> Profile {
        self.try_profile(name, bytes, &ProfileOptions::default())
            .unwrap()
    }

    pub(crate) fn try_profile(
        &self,
        name: &str,
        bytes: impl AsRef<[u8]>,
        options: &ProfileOptions,
    ) -> Result<Profile, EngineError> {
        let source = self.source(name, bytes);
        self.engine
            .profile(source, options, &Cancel::new(), &Progress::new())
    }

    pub(crate) fn profile_reading(&self, name: &str, bytes: &str, read: ReadOptions) -> Profile {
        let options = ProfileOptions {
            read,
            ..ProfileOptions::default()
        };
        self.try_profile(name, bytes, &options).unwrap()
    }

    /// The error, with its code, of a dataset that cannot be profiled.
    pub(crate) fn failure(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let error = self
            .try_profile(name, bytes, &ProfileOptions::default())
            .unwrap_err();
        format!("{}: {error}", error.code())
    }

    pub(crate) fn scratch_is_empty(&self) -> bool {
        self.scratch.path().read_dir().unwrap().next().is_none()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            assert!(self.scratch_is_empty(), "a temporary file was left behind");
        }
    }
}

/// A Parquet file of these columns, as other programs write it.
pub(crate) fn parquet(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
    let rows = RecordBatch::try_from_iter(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, rows.schema(), None).unwrap();
    writer.write(&rows).unwrap();
    writer.close().unwrap();
    bytes
}

/// The kinds of the columns.
pub(crate) fn types(profile: &Profile) -> Vec<ColumnType> {
    profile.columns.iter().map(|column| column.kind).collect()
}

pub(crate) fn column<'a>(profile: &'a Profile, name: &str) -> &'a Column {
    profile
        .columns
        .iter()
        .find(|column| column.name == name)
        .unwrap()
}

/// The most frequent values as text, with their counts.
pub(crate) fn top(column: &Column) -> Vec<(String, u64)> {
    let text =
        |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), Into::into);
    column
        .top
        .iter()
        .map(|top| (text(&top.value), top.count))
        .collect()
}

pub(crate) fn warning<'a>(profile: &'a Profile, code: &str) -> &'a Warning {
    profile
        .warnings
        .iter()
        .find(|warning| warning.code == code)
        .unwrap()
}

/// The codes of a column's alerts; of the dataset's for no column.
pub(crate) fn alerts(profile: &Profile, column: Option<&str>) -> Vec<&'static str> {
    let of_column = profile
        .alerts
        .iter()
        .filter(|alert| alert.column.as_deref() == column);
    of_column.map(|alert| alert.code.as_str()).collect()
}
