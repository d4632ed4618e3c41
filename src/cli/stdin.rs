//! The standard input as a file, as data may be read more than once.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use tempfile::NamedTempFile;

use crate::exit::{Exit, Failure};

/// How the standard input is named on the command line.
const STDIN: &str = "-";
/// How it is named in a profile.
pub(super) const NAME: &str = "stdin";

/// Saves the standard input where that is meant; the file is removed when it is dropped.
pub(super) fn save(file: &Path) -> Result<Option<NamedTempFile>, Failure> {
    if file.as_os_str() != STDIN {
        return Ok(None);
    }
    let save = || -> anyhow::Result<NamedTempFile> {
        let mut saved = NamedTempFile::new()?;
        std::io::copy(&mut std::io::stdin().lock(), &mut saved)?;
        saved.flush()?;
        Ok(saved)
    };
    let saved = save().context("the standard input cannot be saved to a temporary file");
    saved
        .map(Some)
        .map_err(|error| Failure::new(Exit::Io, error))
}
