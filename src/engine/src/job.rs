//! The context of a running analysis: cancellation, progress, limits.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lastcall_domain::{Cancel, Progress};

use crate::EngineError;

/// Cancellation and progress of the analysis that runs.
#[derive(Clone, Copy)]
pub(crate) struct JobContext<'a> {
    pub(crate) cancel: &'a Cancel,
    pub(crate) closed: &'a Arc<AtomicBool>,
    pub(crate) progress: &'a Progress,
}

impl JobContext<'_> {
    /// To be called at least every few milliseconds of work.
    ///
    /// # Errors
    /// [`EngineError::Cancelled`] once the flag is set, [`EngineError::ShutDown`] once the engine is.
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

/// The same for what outlives a call: readers of a library that knows of no cancelling.
#[derive(Clone)]
pub(crate) struct Stop {
    cancel: Cancel,
    closed: Arc<AtomicBool>,
}

impl Stop {
    pub(crate) fn is_asked(&self) -> bool {
        self.cancel.is_cancelled() || self.closed.load(Ordering::Relaxed)
    }
}

impl JobContext<'_> {
    pub(crate) fn stop(&self) -> Stop {
        Stop {
            cancel: self.cancel.clone(),
            closed: Arc::clone(self.closed),
        }
    }
}
