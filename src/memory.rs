//! Returns free memory to the operating system.
//!
//! glibc gives every few threads their own arena and keeps freed memory in it, so that a service
//! whose work moves from thread to thread grows for hours. Two settings and an occasional request
//! prevent that: few arenas, a fixed size above which a block gets its own mapping (glibc would
//! raise it to 32 MiB), and [`Trim`]. Other allocators are left as they are.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The shortest interval between two requests. Each walks every arena, which takes milliseconds.
const TRIM_INTERVAL: Duration = Duration::from_secs(2);

/// Sets up the allocator. Must be called before any thread is started.
pub(crate) fn configure() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        /// Arenas for each core.
        const ARENAS_PER_CORE: usize = 1;
        /// Blocks of at least this size, in bytes, get their own mapping.
        const MMAP_THRESHOLD: libc::c_int = 256 * 1024;
        /// The most that stays free at the end of an arena, in bytes.
        const TRIM_THRESHOLD: libc::c_int = 1024 * 1024;

        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let arenas = libc::c_int::try_from((cores * ARENAS_PER_CORE).max(2)).unwrap_or(2);
        for (name, value) in [
            (libc::M_ARENA_MAX, arenas),
            (libc::M_MMAP_THRESHOLD, MMAP_THRESHOLD),
            (libc::M_TRIM_THRESHOLD, TRIM_THRESHOLD),
        ] {
            // SAFETY: it takes two integers, has a lock of its own, and touches no memory of ours.
            // Where it refuses, the default is left.
            let _ = unsafe { libc::mallopt(name, value) };
        }
    }
}

/// Returns free memory, at most every few seconds.
#[derive(Debug, Default)]
pub(crate) struct Trim(Mutex<Option<Instant>>);

impl Trim {
    /// Whether another run is due. True for one caller only.
    pub(crate) fn is_due(&self) -> bool {
        let Ok(mut last) = self.0.try_lock() else {
            return false;
        };
        let due = last.is_none_or(|last| last.elapsed() >= TRIM_INTERVAL);
        if due {
            *last = Some(Instant::now());
        }
        due
    }

    /// Returns free memory, if a run is due.
    pub(crate) fn run_if_due(&self) {
        if self.is_due() {
            Self::run();
        }
    }

    /// Returns free memory. Takes milliseconds.
    pub(crate) fn run() {
        #[cfg(all(target_os = "linux", target_env = "gnu"))]
        // SAFETY: it locks each arena and touches no memory that is in use.
        let _ = unsafe { libc::malloc_trim(0) };
    }
}
