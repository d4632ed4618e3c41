//! The threads that compute: bounded, named, and joined at the end.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use tokio::runtime::{Builder, Handle, Runtime};

/// How long an idle thread stays.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// Has the kernel prefer the threads that answer to this one, and to those that it starts.
fn step_back() {
    // Elsewhere it would be the whole process that steps back.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(lastcall_domain::NICENESS) {
        log::debug!("a thread that computes keeps its priority: {error}");
    }
}

/// Threads for blocking work. No such work ever runs on an arbiter, where it would starve the
/// actors, nor on a pool that outlives the shutdown.
pub(crate) struct Compute {
    runtime: Mutex<Option<Runtime>>,
    handle: Handle,
}

impl Compute {
    /// At most `threads` of them, started when there is work.
    pub(crate) fn new(threads: usize) -> anyhow::Result<Self> {
        // Nothing but blocking work runs on it, so it needs no worker of its own.
        let runtime = Builder::new_current_thread()
            .max_blocking_threads(threads)
            .thread_name("compute")
            .thread_keep_alive(KEEP_ALIVE)
            .on_thread_start(step_back)
            .build()
            .context("the threads for computing cannot be started")?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Mutex::new(Some(runtime)),
        })
    }

    /// Runs `work` on one of the threads; `None` when they are gone. A panic in it is passed on
    /// to the caller, where the pool turns it into the failure of one job.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        match self.handle.spawn_blocking(work).await {
            Ok(value) => Some(value),
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // Only a runtime that is being shut down cancels.
                Err(_) => None,
            },
        }
    }

    /// Joins the threads, for at most `patience`. Not to be called from a runtime's thread.
    pub(crate) fn shutdown(&self, patience: Duration) {
        let runtime = self
            .runtime
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(runtime) = runtime {
            runtime.shutdown_timeout(patience);
        }
    }
}
