//! The datasets that a job has read, so that they are read again if they were replaced meanwhile.

use std::sync::{Mutex, PoisonError};

use lastcall_domain::store::Store;
use lastcall_domain::{Cancel, Dataset, DatasetName, JobError};

use super::errors::dataset_not_found;

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

    /// What became of them.
    async fn change(&self, store: &dyn Store) -> Change {
        let seen = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for dataset in seen {
            match store.dataset(dataset.session, &dataset.name).await {
                Ok(Some(now)) if now.blob == dataset.blob => {}
                Ok(Some(_)) => return Change::Replaced,
                Ok(None) => return Change::Removed(dataset.name),
                // The work has already failed; an error of the store shows up next.
                Err(_) => return Change::None,
            }
        }
        Change::None
    }
}

/// What became of the datasets that the work has read.
#[derive(Debug)]
enum Change {
    None,
    /// One of them has other bytes now.
    Replaced,
    /// This one is gone.
    Removed(DatasetName),
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

    /// Decides whether work that ended with this error must restart: the new bytes of a dataset may
    /// be readable.
    ///
    /// # Errors
    /// The error of the work if it must not restart: `dataset_not_found` if a dataset was removed.
    pub(super) async fn restart(
        &mut self,
        error: JobError,
        seen: &SeenDatasets,
        store: &dyn Store,
        cancel: &Cancel,
    ) -> Result<(), JobError> {
        if !error.retryable || cancel.is_cancelled() {
            return Err(error);
        }
        match seen.change(store).await {
            Change::Removed(name) => Err(dataset_not_found(&name)),
            Change::Replaced if self.left > 0 => {
                self.left -= 1;
                Ok(())
            }
            Change::Replaced | Change::None => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::sync::Arc;
    use std::time::Duration;

    use lastcall_domain::store::Precondition;
    use lastcall_domain::{
        BlobKey, Clock as _, Dependency, Format, Limits, MemoryStore, Owner, ReadOptions, Session,
        SystemClock,
    };

    use super::*;

    #[test]
    fn an_outage_while_a_dataset_is_replaced_or_removed_is_none() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let store = MemoryStore::new(Arc::new(SystemClock), Limits::default());
            let now = SystemClock.now();
            let session = Session::new(Owner::anonymous(), Duration::from_secs(60), now);
            let id = session.id;
            store.create_session(session, None).await.unwrap();
            let put = async || {
                let dataset = Dataset {
                    session: id,
                    name: DatasetName::try_from("t".to_owned()).unwrap(),
                    format: Format::Csv,
                    bytes: 1,
                    sha256: String::new(),
                    blob: BlobKey::upload(id),
                    created_at: now,
                    read: ReadOptions::default(),
                    schema: None,
                };
                let stored = store.put_dataset(dataset.clone(), Precondition::None);
                stored.await.unwrap();
                dataset
            };
            let seen = SeenDatasets::default();
            let dataset = put().await;
            seen.note(&dataset);
            let (mut rereads, cancel) = (Rereads::new(), Cancel::new());
            let gone = || JobError::unavailable(Dependency::Blobs, "its file is gone");
            let kept = rereads.restart(gone(), &seen, &store, &cancel).await;
            assert_eq!(kept.unwrap_err().unavailable, Some(Dependency::Blobs));
            put().await;
            for _ in 0..MAX_REREADS {
                let again = rereads.restart(gone(), &seen, &store, &cancel).await;
                assert!(again.is_ok(), "{again:?}");
            }
            let bounded = rereads.restart(gone(), &seen, &store, &cancel).await;
            assert_eq!(bounded.unwrap_err().unavailable, Some(Dependency::Blobs));
            store
                .delete_dataset(id, &dataset.name, &Precondition::None)
                .await
                .unwrap();
            let removed = rereads.restart(gone(), &seen, &store, &cancel).await;
            let removed = removed.unwrap_err();
            assert_eq!(removed.code, "dataset_not_found", "{removed:?}");
            assert!(!removed.retryable && removed.unavailable.is_none());
        });
    }
}
