//! The datasets that a job has read, so that those replaced meanwhile are read again.

use std::sync::{Mutex, PoisonError};

use lastcall_domain::store::Store;
use lastcall_domain::{Cancel, Dataset, JobError};

/// How often work begins anew because a dataset was replaced while it was read.
const MAX_REREADS: u32 = 5;

/// The datasets that one run of the work has read.
#[derive(Debug, Default)]
pub(super) struct SeenDatasets(Mutex<Vec<Dataset>>);

impl SeenDatasets {
    pub(super) fn note(&self, dataset: &Dataset) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.push(dataset.clone());
    }

    /// Whether one of them has other bytes now, or is gone.
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
                // The work has failed already; what the store says of it comes next.
                Err(_) => return false,
            }
        }
        false
    }
}

/// Work that begins anew where a dataset was replaced while it was read.
#[derive(Debug)]
pub(super) struct Rereads {
    left: u32,
}

impl Rereads {
    pub(super) fn new() -> Self {
        Self { left: MAX_REREADS }
    }

    /// Whether work that ended with this error is to begin anew: other bytes may read better.
    pub(super) async fn begin_anew(
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
