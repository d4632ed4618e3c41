//! How an attempt is told to stop.

use std::sync::{Arc, OnceLock};

use lastcall_domain::Cancel;

/// Why an attempt is to stop. The first reason counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StopReason {
    /// Its caller's wish: the job ends as cancelled.
    Cancelled,
    /// Its time was over: the attempt fails.
    TimedOut,
    /// The shutdown: the job is queued again.
    HandedBack,
    /// The claim is a peer's by now, or was given up with its thread: nothing is written.
    Lost,
}

/// What stops an attempt, and says why.
#[derive(Clone, Debug, Default)]
pub(crate) struct StopHandle {
    cancel: Cancel,
    why: Arc<OnceLock<StopReason>>,
}

impl StopHandle {
    /// Tells the attempt to stop. The reason that is kept is the first.
    pub(crate) fn stop(&self, why: StopReason) {
        // Refused where there is a reason already.
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
