//! The file beside the store that tells the next run how this one ended.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::ShutdownReport;

/// The place of the shutdown report, and the mark of a run that has not ended.
#[derive(Clone, Debug)]
pub struct ReportFile {
    report: PathBuf,
    running: PathBuf,
}

/// How the run before this one ended.
#[derive(Clone, Debug, PartialEq)]
pub enum PreviousRun {
    /// There was none here.
    None,
    /// In order, as its report says.
    Ended(Box<ShutdownReport>),
    /// Without a word: killed, crashed, or the machine lost its power.
    Crashed,
}

impl ReportFile {
    /// In this folder.
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

    /// Says how the previous run ended, and marks that this one has begun.
    ///
    /// # Errors
    /// Where the folder cannot be written to. A report that cannot be read counts as none.
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

    /// This run came to nothing before it had taken anything up: as [`begin`](Self::begin) has
    /// found the mark, so it is again.
    ///
    /// # Errors
    /// Where the folder cannot be written to; the next run then takes this one for crashed.
    pub fn undo(&self, previous: &PreviousRun) -> io::Result<()> {
        match previous {
            PreviousRun::Crashed => Ok(()),
            PreviousRun::None | PreviousRun::Ended(_) => self.take_mark_away(),
        }
    }

    /// The report that is there.
    pub fn read(&self) -> Option<ShutdownReport> {
        let bytes = std::fs::read(&self.report).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// Writes the report, whole or not at all, and takes the mark away.
    ///
    /// # Errors
    /// Where the folder cannot be written to; the next run then takes this one for crashed.
    pub fn end(&self, report: &ShutdownReport) -> io::Result<()> {
        let part = self.report.with_extension("json.part");
        let mut file = File::create(&part)?;
        serde_json::to_writer_pretty(&mut file, report)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        std::fs::rename(&part, &self.report)?;
        self.take_mark_away()
    }

    fn take_mark_away(&self) -> io::Result<()> {
        match std::fs::remove_file(&self.running) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        self.sync_folder()
    }

    /// A name is durable when its folder is: a mark that a power cut takes away would let the
    /// report of an earlier run pass for that of the last.
    fn sync_folder(&self) -> io::Result<()> {
        match self.report.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }
}
