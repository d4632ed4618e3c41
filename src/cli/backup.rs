//! `lastcall backup OUT`: copies the rows of an SQLite store while the service runs.

use std::fs::File;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use anyhow::anyhow;
use indicatif::{HumanBytes, ProgressBar};
use lastcall_domain::StoreError;

use crate::config::Config;
use crate::exit::{Exit, Failure};

/// How often the spinner on a terminal is drawn.
const TICK: Duration = Duration::from_millis(100);

/// Copies the store to `output`, atomically and durably. Returns a message about what was done.
pub(super) fn run(config: &Config, output: &Path) -> Result<String, Failure> {
    let url = config.store_url.expose();
    if !url.starts_with("sqlite://") {
        let error = lastcall_store::back_up_store(url, output).err();
        let error = error.map_or_else(String::new, |error| error.to_string());
        return Err(Failure::new(Exit::Usage, anyhow!(error)));
    }
    let shown = output.display();
    let cannot = |error: std::io::Error| {
        let error = anyhow!(error).context(format!("{shown} cannot be written"));
        Failure::new(Exit::CannotCreate, error)
    };
    if output.symlink_metadata().is_ok() {
        return Err(exists(output));
    }
    let folder = match output.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let mut draft = tempfile::Builder::new();
    let draft = draft.prefix(".lastcall-backup-").tempfile_in(folder);
    let draft = draft.map_err(cannot)?;
    let spinner = spinner(output);
    let copied = lastcall_store::back_up_store(url, draft.path());
    spinner.finish_and_clear();
    let bytes = copied.map_err(|error| {
        let exit = match error {
            StoreError::Failed(_) => Exit::BadData,
            _ => Exit::Unavailable,
        };
        Failure::new(exit, error)
    })?;
    if let Err(error) = draft.persist_noclobber(output) {
        return Err(match error.error.kind() {
            ErrorKind::AlreadyExists => exists(output),
            _ => cannot(error.error),
        });
    }
    let flushed = File::open(folder).and_then(|folder| folder.sync_all());
    flushed.map_err(cannot)?;
    Ok(format!(
        "{shown}: {} of rows, whole and consistent; blobs are not in it, copy {} now",
        HumanBytes(bytes),
        config.blobs_url
    ))
}

fn exists(output: &Path) -> Failure {
    let error = anyhow!(
        "{} is there already, and was left as it is: name another file",
        output.display()
    );
    Failure::new(Exit::CannotCreate, error)
}

/// A spinner, if there is a terminal.
fn spinner(output: &Path) -> ProgressBar {
    let spinner = ProgressBar::new_spinner();
    spinner.set_message(format!("copying to {}", output.display()));
    spinner.enable_steady_tick(TICK);
    spinner
}
