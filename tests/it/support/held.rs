//! Work that stands still until the test lets it go on, however fast the machine is.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::{Pid, mkfifo};

use super::{Home, Service, TIMEOUT, process};

/// How often new processes are looked for: a query takes longer to reach one and be answered.
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// Until this is dropped, no query of the service makes progress: every process for queries is
/// stopped by SIGSTOP as soon as it exists.
pub(crate) struct HeldQueries {
    over: Arc<AtomicBool>,
    stopper: Option<JoinHandle<Vec<i32>>>,
}

impl HeldQueries {
    #[track_caller]
    pub(crate) fn of(service: &Service) -> Self {
        let (over, pid) = (Arc::new(AtomicBool::new(false)), service.pid());
        let (first, is_held) = channel();
        let told = Arc::clone(&over);
        let stopper = std::thread::spawn(move || {
            let mut stopped = Vec::new();
            while !told.load(Ordering::SeqCst) {
                for child in running_queries(pid) {
                    // One whose query was cancelled just now has exited.
                    let _ = kill(Pid::from_raw(child), Signal::SIGSTOP);
                    stopped.push(child);
                    let _ = first.send(());
                }
                std::thread::park_timeout(POLL_INTERVAL);
            }
            stopped
        });
        let first = is_held.recv_timeout(TIMEOUT);
        first.expect("a process waits for queries");
        Self {
            over,
            stopper: Some(stopper),
        }
    }

    /// Lets them go on.
    pub(crate) fn release(self) {
        drop(self);
    }
}

impl Drop for HeldQueries {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        let Some(Ok(stopped)) = self.stopper.take().map(JoinHandle::join) else {
            return;
        };
        for pid in stopped {
            // Those whose query was cancelled have exited.
            let _ = kill(Pid::from_raw(pid), Signal::SIGCONT);
        }
    }
}

/// The processes for queries that are not stopped yet, and have got so far that stopping them
/// stops nobody else: they run a command line of their own.
fn running_queries(service: i32) -> Vec<i32> {
    let line = |pid: i32| std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let own = line(service);
    let mut pids = process::children(service);
    pids.retain(|pid| {
        let line = line(*pid);
        !line.is_empty() && line != own && process::state(*pid) != Some('T')
    });
    pids
}

/// Makes the only blob of the store a pipe that nobody writes to: a reader of the dataset blocks in
/// the kernel, where cancellation does not reach it.
pub(crate) fn make_the_blob_block(home: &Home) -> PathBuf {
    let blobs = home.blobs();
    let [blob] = blobs.as_slice() else {
        panic!("there is not one blob: {blobs:?}");
    };
    std::fs::remove_file(blob).unwrap();
    mkfifo(blob, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    blob.clone()
}
