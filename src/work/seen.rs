//! The datasets that a job has read, so that they are read again if they were replaced meanwhile.

use std::sync::{Mutex, PoisonError};

use lastcall_domain::store::Store;
use lastcall_domain::{Cancel, Dataset, JobError};

/// How often work restarts because a dataset was replaced while it was read.
const MAX_REREADS: u32 = 5;

/// The datasets that one run of the work has read.
#[derive(Debug, Default)]
pub(super) struct SeenDatasets(Mutex<Vec<Dataset>>);

impl SeenDatasets {
    pub(super) fn note(&self, dataset: &Dataset) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push(dataset.clone());
    }

    /// Whether one of them has been replaced or removed.
    async fn any_replaced(&self, store: &dyn Store) -> bool {
        let seen = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for dataset in seen {
            match store.dataset(dataset.session, &dataset.name).await {
                Ok(Some(now)) if now.blob == dataset.blob => {}
                Ok(_) => return true,
                // The work has already failed; an error of the store shows up next.
                Err(_) => return false,
            }
        }
        false
    }
}

/// Counts the restarts of work whose dataset was replaced while it was read.
#[derive(Debug)]
pub(super) struct Rereads {
    left: u32,
}

impl Rereads {
    pub(super) fn new() -> Self {
        Self { left: MAX_REREADS }
    }

    /// Whether work that ended with this error must restart: the new bytes may be readable.
    pub(super) async fn restart(
        &mut self,
        error: &JobError,
        seen: &SeenDatasets,
        store: &dyn Store,
        cancel: &Cancel,
    ) -> bool {
        let may = error.retryable && self.left > 0 && !cancel.is_cancelled();
        self.left = self.left.saturating_sub(1);
        may && seen.any_replaced(store).await
    }
}
