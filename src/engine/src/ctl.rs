//! What a running analysis reports to and obeys.

use std::sync::atomic::{AtomicBool, Ordering};

use lastcall_domain::{Cancel, Progress};

use crate::EngineError;

/// Cancellation and progress of the analysis that runs.
#[derive(Clone, Copy)]
pub(crate) struct Ctl<'a> {
    pub(crate) cancel: &'a Cancel,
    pub(crate) closed: &'a AtomicBool,
    pub(crate) progress: &'a Progress,
}

impl Ctl<'_> {
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
