//! Work that stands still until the test lets it go on, however fast the machine is.

use std::path::PathBuf;

use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};

use super::{Home, Service, process, until};

/// Processes that the service keeps ready for queries.
const SPARES: usize = 2;

/// The next queries, up to [`HeldQueries::COUNT`]: their processes are stopped by SIGSTOP.
pub(crate) struct HeldQueries {
    pids: Vec<i32>,
}

impl HeldQueries {
    /// How many queries are held.
    pub(crate) const COUNT: usize = SPARES;

    /// Holds the next queries of the service.
    #[track_caller]
    pub(crate) fn of(service: &Service) -> Self {
        let pids = until("the processes for queries are there", || {
            let pids = queries(service.pid());
            (pids.len() == SPARES).then_some(pids)
        });
        for pid in &pids {
            kill(Pid::from_raw(*pid), Signal::SIGSTOP).expect("a process for queries lives");
        }
        Self { pids }
    }

    /// Lets them go on.
    pub(crate) fn release(self) {
        drop(self);
    }
}

impl Drop for HeldQueries {
    fn drop(&mut self) {
        for pid in &self.pids {
            // Those whose query was cancelled are gone.
            let _ = kill(Pid::from_raw(*pid), Signal::SIGCONT);
        }
    }
}

/// The processes for queries that have got so far that stopping them stops nobody else: they
/// run a command line of their own.
fn queries(service: i32) -> Vec<i32> {
    let line = |pid: i32| std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let own = line(service);
    let mut pids = process::children(service);
    pids.retain(|pid| !line(*pid).is_empty() && line(*pid) != own);
    pids
}

/// Makes the only blob of the store a pipe that nobody writes to: whoever reads the dataset
/// waits in the kernel and hears nothing, not even that it is to stop.
pub(crate) fn make_the_blob_deaf(home: &Home) -> PathBuf {
    let blobs = home.blobs();
    let [blob] = blobs.as_slice() else {
        panic!("there is not one blob: {blobs:?}");
    };
    std::fs::remove_file(blob).unwrap();
    mkfifo(blob, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    blob.clone()
}
