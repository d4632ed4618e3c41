//! The file beside the store that tells the next run how this one ended.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::ShutdownReport;

/// Bytes that are reserved for the report. One that lists more jobs than fit needs free space.
const RESERVED: usize = 64 * 1024;

/// The shutdown report, and the marker of a run that has not ended.
#[derive(Clone, Debug)]
pub struct ReportFile {
    report: PathBuf,
    /// What becomes the report. Until then, it reserves the space.
    part: PathBuf,
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
            part: folder.join("shutdown-report.json.part"),
            running: folder.join("running"),
        }
    }

    /// Where the report is.
    pub fn path(&self) -> &Path {
        &self.report
    }

    /// Returns how the previous run ended, and marks that this one has begun. Reserves space, so
    /// that the report can be written when the disk is full.
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
        if let Err(error) = self.reserve() {
            // A start on a full disk is to become ready.
            log::warn!("no space is reserved for the shutdown report: {error}");
        }
        self.sync_folder()?;
        Ok(previous)
    }

    /// Undoes [`begin`](Self::begin) for a run that failed before it accepted any work.
    ///
    /// # Errors
    /// If the folder cannot be written to; the next run then takes this one for crashed.
    pub fn undo(&self, previous: &PreviousRun) -> io::Result<()> {
        remove(&self.part)?;
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
        let mut text = serde_json::to_vec_pretty(report)?;
        text.push(b'\n');
        let mut part = self.open_part()?;
        // Over the reserved bytes: cutting the file first would give up its space.
        part.write_all(&text)?;
        part.set_len(text.len() as u64)?;
        part.sync_all()?;
        std::fs::rename(&self.part, &self.report)?;
        self.remove_marker()
    }

    /// Written out, because a sparse file reserves no space.
    fn reserve(&self) -> io::Result<()> {
        let mut part = self.open_part()?;
        let reserved = part
            .write_all(&vec![0; RESERVED])
            .and_then(|()| part.sync_all());
        if reserved.is_err() {
            // The little that there was may be needed elsewhere.
            remove(&self.part)?;
        }
        reserved
    }

    fn open_part(&self) -> io::Result<File> {
        let mut options = File::options();
        options.write(true).create(true).truncate(false);
        options.open(&self.part)
    }

    fn remove_marker(&self) -> io::Result<()> {
        remove(&self.running)?;
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

/// What does not exist need not be removed.
fn remove(file: &Path) -> io::Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
