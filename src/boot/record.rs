//! What the next run is going to be told of this one.

use std::io;
use std::path::Path;

use lastcall_actors::ShutdownReport;
use lastcall_actors::shutdown::{PreviousRun, ReportFile};

/// The report and the mark of this run. A run that never was ready leaves no trace: it has taken
/// nothing up and lost nothing, so what was to be said of the run before it is still to be said.
#[derive(Clone)]
pub(super) struct Record {
    file: ReportFile,
    /// How the run before ended, until this one is ready.
    unready: Option<PreviousRun>,
}

impl Record {
    /// Marks that this run has begun; how the one before it ended.
    ///
    /// # Errors
    /// Where the folder cannot be written to.
    pub(super) fn begin(folder: &Path) -> io::Result<(Self, PreviousRun)> {
        let file = ReportFile::in_folder(folder);
        let previous = file.begin()?;
        let unready = Some(previous.clone());
        Ok((Self { file, unready }, previous))
    }

    /// What the run before has left is taken up, and its end was told.
    pub(super) fn ready(&mut self) {
        self.unready = None;
    }

    /// The end of a run, which may never have been ready.
    pub(super) fn end(&self, report: &ShutdownReport) {
        match self.unready {
            Some(_) => self.undo(),
            None => told(self.file.end(report)),
        }
    }

    /// The end of a start that has failed.
    pub(super) fn undo(&self) {
        if let Some(previous) = &self.unready {
            told(self.file.undo(previous));
        }
    }
}

fn told(written: io::Result<()>) {
    if let Err(error) = written {
        log::error!("how this run has ended cannot be written down: {error}");
    }
}
