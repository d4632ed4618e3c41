//! A dataset in a local file or on standard input.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use lastcall_domain::{Format, ReadOptions, file_stem};
use lastcall_engine::{Engine, EngineConfig, EngineError, Source};
use tempfile::NamedTempFile;

use super::stdin;
use crate::exit::{Exit, Failure};

/// The memory that one command may take, in bytes.
const MEMORY: u64 = 1 << 30;

/// A local dataset.
pub(super) struct LocalFile {
    pub(super) source: Source,
    /// Its name in messages.
    shown: String,
    /// The standard input, saved; removed on drop.
    _saved: Option<NamedTempFile>,
}

impl LocalFile {
    /// Opens the file and detects its format.
    pub(super) fn open(file: &Path, read: &ReadOptions) -> Result<Self, Failure> {
        let saved = stdin::save(file)?;
        let (path, name, shown) = match &saved {
            Some(saved) => {
                let name = stdin::NAME.to_owned();
                (saved.path(), name.clone(), name)
            }
            None => {
                let name = file.file_name().unwrap_or_default();
                let name = name.to_string_lossy().into_owned();
                (file, name, file.display().to_string())
            }
        };
        let format = format_of(path, &shown);
        let format = format.map_err(|error| Failure::new(Exit::NoInput, error))?;
        let valid = read.check_for(format);
        valid.map_err(|error| Failure::new(Exit::Usage, error))?;
        let path = path.to_owned();
        Ok(Self {
            source: Source {
                name,
                ..Source::new(path, format)
            },
            shown,
            _saved: saved,
        })
    }

    /// Its name without extension, which is the name of its table.
    pub(super) fn stem(&self) -> String {
        file_stem(&self.source.name).to_owned()
    }

    /// Converts an error of the engine.
    pub(super) fn failure(&self, error: &EngineError) -> Failure {
        let detail = anyhow!("{}: {error} ({})", self.shown, error.code());
        Failure::new(Exit::BadData, detail)
    }
}

/// The format by the file's extension, or else by its first bytes; `shown` is its name in errors.
fn format_of(file: &Path, shown: &str) -> anyhow::Result<Format> {
    // Before it is opened, because opening a pipe waits for its writer.
    let kind = std::fs::metadata(file).with_context(|| format!("{shown}: cannot be read"))?;
    anyhow::ensure!(
        kind.is_file(),
        "{shown}: is not a regular file; `-` reads from a pipe"
    );
    if let Some(format) = Format::from_file_name(&file.to_string_lossy()) {
        return Ok(format);
    }
    Source::detect_format(file).with_context(|| format!("{shown}: cannot be read"))
}

/// An engine for one command.
pub(super) fn engine() -> Engine {
    Engine::new(EngineConfig {
        threads: std::thread::available_parallelism().map_or(1, usize::from),
        memory: MEMORY,
        scratch: std::env::temp_dir(),
    })
}
