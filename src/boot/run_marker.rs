//! The report and the marker that tell the next run about this one.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lastcall_actors::ShutdownReport;
use lastcall_actors::shutdown::{PreviousRun, ReportFile};

/// The report and the marker of this run. A run that never became ready leaves no trace: it
/// accepted no work, so the next run still reports the run before it.
#[derive(Clone)]
pub(super) struct RunMarker {
    file: ReportFile,
    previous: Arc<PreviousRun>,
    ready: Arc<AtomicBool>,
}

impl RunMarker {
    /// Marks that this run has begun.
    ///
    /// # Errors
    /// If the folder cannot be written to.
    pub(super) fn begin(folder: &Path) -> io::Result<Self> {
        let file = ReportFile::in_folder(folder);
        let previous = Arc::new(file.begin()?);
        let ready = Arc::default();
        Ok(Self {
            file,
            previous,
            ready,
        })
    }

    /// The report of the previous run, if it ended in order.
    pub(super) fn previous_report(&self) -> Option<ShutdownReport> {
        match &*self.previous {
            PreviousRun::Ended(report) => Some((**report).clone()),
            PreviousRun::None | PreviousRun::Crashed => None,
        }
    }

    /// Logs how the previous run ended and how many of its jobs were recovered. From here on this
    /// run leaves a report.
    pub(super) fn ready(&self, recovered: u64) {
        log_previous(&self.previous, recovered);
        self.ready.store(true, Ordering::Release);
    }

    /// The end of a run that was ready.
    pub(super) fn end(&self, report: &ShutdownReport) {
        log_failure(self.file.end(report));
    }

    /// Ends a start: removes the marker, unless the run became ready.
    pub(super) fn undo(&self) {
        if !self.ready.load(Ordering::Acquire) {
            log_failure(self.file.undo(&self.previous));
        }
    }
}

fn log_failure(written: io::Result<()>) {
    if let Err(error) = written {
        log::error!("cannot write the shutdown report: {error}");
    }
}

fn log_previous(previous: &PreviousRun, recovered: u64) {
    let jobs = if recovered == 1 { "job" } else { "jobs" };
    match previous {
        PreviousRun::None if recovered == 0 => log::info!("first run on this store"),
        PreviousRun::None => log::info!("first run here, {recovered} {jobs} recovered"),
        PreviousRun::Ended(report) if report.clean => {
            log::info!("previous run ended cleanly, {recovered} {jobs} recovered");
        }
        PreviousRun::Ended(report) => log::warn!(
            "previous run ended in order with exit code {} and left work, {recovered} {jobs} recovered",
            report.exit_code
        ),
        PreviousRun::Crashed => {
            log::warn!("previous run ended uncleanly, {recovered} {jobs} recovered");
        }
    }
}
