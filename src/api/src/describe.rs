//! The columns of datasets, read from the data on first request and kept.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use lastcall_domain::trace::Scope;
use lastcall_domain::{BlobKey, Dataset, Dependency, JobError, ReadOptions, Schema, Store};
use tokio::sync::Semaphore;

use crate::ports::Describe;

/// How long a request waits for the columns.
const DESCRIBE_TIMEOUT: Duration = Duration::from_secs(20);
/// The most datasets that are read concurrently.
const CONCURRENCY: usize = 2;
/// The most datasets that are being read or queued.
const MAX_WAITING: usize = 64;

type Found = Result<Schema, JobError>;
type Reading = Shared<BoxFuture<'static, Found>>;
/// A dataset's bytes and read options.
type Key = (BlobKey, ReadOptions);

/// Reads the columns of datasets, once for all concurrent requests.
pub(crate) struct Schemas {
    describe: Arc<dyn Describe>,
    store: Arc<dyn Store>,
    readings: Arc<Mutex<HashMap<Key, Reading>>>,
    turn: Arc<Semaphore>,
}

impl Schemas {
    pub(crate) fn new(describe: Arc<dyn Describe>, store: Arc<dyn Store>) -> Self {
        Self {
            describe,
            store,
            readings: Arc::default(),
            turn: Arc::new(Semaphore::new(CONCURRENCY)),
        }
    }

    /// The columns of the dataset.
    ///
    /// # Errors
    /// If the data cannot be read; `schema_pending` if that takes long, or `stopping` completes
    /// first: reading continues, and a later request may find it done.
    pub(crate) async fn of(&self, dataset: &Dataset, stopping: impl Future<Output = ()>) -> Found {
        if let Some(schema) = &dataset.schema {
            return Ok(schema.clone());
        }
        let pending =
            || JobError::transient("schema_pending", "the data is still being read; ask again");
        let reading = self.reading(dataset).ok_or_else(pending)?;
        tokio::select! {
            schema = reading => schema,
            () = tokio::time::sleep(DESCRIBE_TIMEOUT) => Err(pending()),
            () = stopping => Err(pending()),
        }
    }

    /// The read of the dataset that is under way, or a new one.
    fn reading(&self, dataset: &Dataset) -> Option<Reading> {
        let key = (dataset.blob.clone(), dataset.read.clone());
        let mut readings = self.lock();
        if let Some(reading) = readings.get(&key) {
            return Some(reading.clone());
        }
        if readings.len() >= MAX_WAITING {
            return None;
        }
        let reading = self.begin(dataset.clone()).shared();
        readings.insert(key, reading.clone());
        // It is finished and stored even if nobody waits for it any more.
        tokio::spawn(reading.clone());
        Some(reading)
    }

    fn begin(&self, dataset: Dataset) -> BoxFuture<'static, Found> {
        let (describe, store) = (Arc::clone(&self.describe), Arc::clone(&self.store));
        let turn = Arc::clone(&self.turn);
        let entry = Entry {
            readings: Arc::clone(&self.readings),
            key: (dataset.blob.clone(), dataset.read.clone()),
        };
        let reading = async move {
            let _entry = entry;
            let _turn = turn.acquire().await;
            let schema = AssertUnwindSafe(describe.describe(&dataset))
                .catch_unwind()
                .await
                .map_err(|panic| match Dependency::of_panic(&*panic) {
                    Some(dependency) => JobError::unavailable(dependency, "no thread was left"),
                    None => {
                        log::error!("reading the columns of {} panicked", dataset.name);
                        JobError::permanent("internal", "reading the data panicked")
                    }
                })??;
            let set = store.set_schema(&dataset.blob, &dataset.read, &schema);
            if let Err(error) = set.await {
                log::warn!("cannot store the columns of {}: {error}", dataset.name);
            }
            Ok(schema)
        };
        // In the scope of the first request, whichever request polls it.
        Scope::current().run(reading).boxed()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Reading>> {
        self.readings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes a read from those under way, however it ends.
struct Entry {
    readings: Arc<Mutex<HashMap<Key, Reading>>>,
    key: Key,
}

impl Drop for Entry {
    fn drop(&mut self) {
        let gone = self
            .readings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.key);
        drop(gone);
    }
}
