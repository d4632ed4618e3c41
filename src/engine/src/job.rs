//! The context of a running analysis: cancellation, progress, limits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lastcall_domain::{Cancel, Progress};

use crate::EngineError;

/// Cancellation and progress of a running analysis.
#[derive(Clone, Copy)]
pub(crate) struct JobContext<'a> {
    pub(crate) cancel: &'a Cancel,
    pub(crate) closed: &'a Arc<AtomicBool>,
    pub(crate) progress: &'a Progress,
}

impl JobContext<'_> {
    /// Call it at least every few milliseconds of work.
    ///
    /// # Errors
    /// [`EngineError::Cancelled`] once the job is cancelled, [`EngineError::ShutDown`] once the
    /// engine is shut down.
    #[inline]
    pub(crate) fn check(&self) -> Result<(), EngineError> {
        if self.cancel.is_cancelled() {
            Err(EngineError::Cancelled)
        } else if self.closed.load(Ordering::Relaxed) {
            Err(EngineError::ShutDown)
        } else {
            Ok(())
        }
    }
}

/// An owned flag for readers of a library without cancellation.
#[derive(Clone)]
pub(crate) struct StopFlag {
    cancel: Cancel,
    closed: Arc<AtomicBool>,
}

impl StopFlag {
    pub(crate) fn is_set(&self) -> bool {
        self.cancel.is_cancelled() || self.closed.load(Ordering::Relaxed)
    }
}

impl JobContext<'_> {
    pub(crate) fn stop_flag(&self) -> StopFlag {
        StopFlag {
            cancel: self.cancel.clone(),
            closed: Arc::clone(self.closed),
        }
    }
}
