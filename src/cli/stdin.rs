//! Standard input as a file, because data may be read more than once.

use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, anyhow};
use tempfile::NamedTempFile;

use crate::exit::{Exit, Failure};

/// The name of the standard input on the command line.
const STDIN: &str = "-";
/// Its name in a profile.
pub(super) const NAME: &str = "stdin";

/// Whether the standard input is meant.
fn is_meant(file: &Path) -> bool {
    file.as_os_str() == STDIN
}

/// Fails if more than one file is the standard input.
pub(super) fn once(files: &[&Path]) -> Result<(), Failure> {
    if files.iter().filter(|file| is_meant(file)).count() > 1 {
        let error = anyhow!("only one of the files can be the standard input");
        return Err(Failure::new(Exit::Usage, error));
    }
    Ok(())
}

/// Saves the standard input, if it is meant; the file is removed when it is dropped.
pub(super) fn save(file: &Path) -> Result<Option<NamedTempFile>, Failure> {
    if !is_meant(file) {
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
