//! How an attempt is stopped.

use std::sync::{Arc, OnceLock};

use lastcall_domain::Cancel;

/// Why an attempt must stop. The first reason counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopReason {
    /// Its caller cancelled the job.
    Cancelled,
    /// It timed out: the attempt fails.
    TimedOut,
    /// The shutdown: the job is queued again.
    HandedBack,
    /// The claim now belongs to a peer, or was abandoned with its thread: nothing is written.
    Lost,
}

/// Stops an attempt, and records why.
#[derive(Clone, Debug, Default)]
pub(crate) struct StopHandle {
    cancel: Cancel,
    why: Arc<OnceLock<StopReason>>,
}

impl StopHandle {
    /// Stops the attempt. The first reason is kept.
    pub(crate) fn stop(&self, why: StopReason) {
        // Fails if there is already a reason.
        let _ = self.why.set(why);
        self.cancel.cancel();
    }

    pub(crate) fn why(&self) -> Option<StopReason> {
        self.why.get().copied()
    }

    pub(crate) fn cancel(&self) -> &Cancel {
        &self.cancel
    }
}
