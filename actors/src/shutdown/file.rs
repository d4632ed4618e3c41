//! The file beside the store that tells the next run how this one ended.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::ShutdownReport;

/// The shutdown report, and the marker of a run that has not ended.
#[derive(Clone, Debug)]
pub struct ReportFile {
    report: PathBuf,
    running: PathBuf,
}

/// How the previous run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum PreviousRun {
    /// There was none in this folder.
    None,
    /// In order, with this report.
    Ended(Box<ShutdownReport>),
    /// Without a report: it was killed, it crashed, or the machine lost power.
    Crashed,
}

impl ReportFile {
    /// The report file in this folder.
    pub fn in_folder(folder: &Path) -> Self {
        Self {
            report: folder.join("shutdown-report.json"),
            running: folder.join("running"),
        }
    }

    /// Where the report is.
    pub fn path(&self) -> &Path {
        &self.report
    }

    /// Returns how the previous run ended, and marks that this one has begun.
    ///
    /// # Errors
    /// If the folder cannot be written to. An unreadable report counts as none.
    pub fn begin(&self) -> io::Result<PreviousRun> {
        let previous = if self.running.try_exists()? {
            PreviousRun::Crashed
        } else {
            self.read().map_or(PreviousRun::None, |report| {
                PreviousRun::Ended(Box::new(report))
            })
        };
        File::create(&self.running)?.sync_all()?;
        self.sync_folder()?;
        Ok(previous)
    }

    /// Undoes [`begin`](Self::begin) for a run that failed before it accepted any work.
    ///
    /// # Errors
    /// If the folder cannot be written to; the next run then takes this one for crashed.
    pub fn undo(&self, previous: &PreviousRun) -> io::Result<()> {
        match previous {
            PreviousRun::Crashed => Ok(()),
            PreviousRun::None | PreviousRun::Ended(_) => self.remove_marker(),
        }
    }

    /// The stored report.
    pub fn read(&self) -> Option<ShutdownReport> {
        let bytes = std::fs::read(&self.report).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Atomically writes the report, and removes the marker.
    ///
    /// # Errors
    /// If the folder cannot be written to; the next run then takes this one for crashed.
    pub fn end(&self, report: &ShutdownReport) -> io::Result<()> {
        let part = self.report.with_extension("json.part");
        let mut file = File::create(&part)?;
        serde_json::to_writer_pretty(&mut file, report)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        std::fs::rename(&part, &self.report)?;
        self.remove_marker()
    }

    fn remove_marker(&self) -> io::Result<()> {
        match std::fs::remove_file(&self.running) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.sync_folder()
    }

    /// A name is durable only once its folder is synced: without that, a power cut could bring the
    /// report of an earlier run back as that of the last.
    fn sync_folder(&self) -> io::Result<()> {
        match self.report.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }
}
