//! The compute threads: bounded, named, and joined at the end.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use lastcall_domain::trace::Scope;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::memory::Trim;

/// How long an idle thread is kept.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// Gives the threads that serve requests precedence over this one, and over those that it starts.
fn lower_priority() {
    // Elsewhere this would lower the priority of the whole process.
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
    trim: Arc<Trim>,
}

impl Compute {
    /// At most `threads` threads, started when there is work.
    pub(crate) fn new(threads: usize) -> anyhow::Result<Self> {
        let trim = Arc::new(Trim::default());
        let at_rest = Arc::clone(&trim);
        // Only blocking work runs on it, so it needs no worker of its own.
        let runtime = Builder::new_current_thread()
            .max_blocking_threads(threads)
            .thread_name("compute")
            .thread_keep_alive(KEEP_ALIVE)
            .on_thread_start(lower_priority)
            .on_thread_stop(move || at_rest.run_if_due())
            .build()
            .context("the threads for computing cannot be started")?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Mutex::new(Some(runtime)),
            trim,
        })
    }

    /// Runs `work` on one of the threads; `None` if they are gone. A panic is passed on to the
    /// caller, where the pool turns it into the failure of one job, and so is the runtime's if it
    /// has no thread and can start none, which the pool takes for an outage.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let scope = Scope::current();
        let queued = Arc::new(Mutex::new(Some(work)));
        let work = Arc::clone(&queued);
        let run = move || Some(scope.enter(taken(&work)?));
        let begun = catch_unwind(AssertUnwindSafe(|| self.handle.spawn_blocking(run)));
        let done = match begun {
            Ok(done) => done.await,
            Err(panic) => {
                // There is no thread, but the runtime keeps the work for the next one. By then
                // another attempt may have done it.
                drop(taken(&queued));
                resume_unwind(panic)
            }
        };
        if self.trim.is_due() {
            self.start(Trim::run);
        }
        match done {
            Ok(value) => value,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                // Only a runtime that shuts down cancels.
                Err(_) => None,
            },
        }
    }

    /// Drops a value on one of the threads, without waiting: freeing what it owns, such as a large
    /// file, may take time.
    pub(crate) fn dispose<T: Send + 'static>(&self, value: T) {
        self.start(move || drop(value));
    }

    /// Starts work that nobody waits for. If there is no thread for it, it waits for the next one.
    fn start(&self, work: impl FnOnce() + Send + 'static) {
        let begin = || drop(self.handle.spawn_blocking(work));
        if catch_unwind(AssertUnwindSafe(begin)).is_err() {
            log::debug!("no thread can be started; the work is done later");
        }
    }

    /// Joins the threads, for at most `timeout`. Must not be called from a runtime's thread.
    pub(crate) fn shutdown(&self, timeout: Duration) {
        let runtime = self
            .runtime
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(runtime) = runtime {
            runtime.shutdown_timeout(timeout);
        }
    }
}

/// The work, if nobody has taken it.
fn taken<T>(work: &Mutex<Option<T>>) -> Option<T> {
    work.lock().unwrap_or_else(PoisonError::into_inner).take()
}
