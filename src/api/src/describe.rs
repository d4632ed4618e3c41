//! The columns of datasets, read from the data on first request and kept.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use lastcall_domain::trace::Scope;
use lastcall_domain::{BlobKey, Dataset, JobError, ReadOptions, Schema, Store};
use tokio::sync::Semaphore;

use crate::ports::Describe;

/// How long a request waits for the columns.
const DESCRIBE_TIMEOUT: Duration = Duration::from_secs(20);
/// Datasets that are read at once.
const AT_ONCE: usize = 2;
/// Datasets that are read or wait to be.
const MAX_WAITING: usize = 64;

type Found = Result<Schema, JobError>;
type Reading = Shared<BoxFuture<'static, Found>>;
/// What is read, and how.
type Key = (BlobKey, ReadOptions);

/// Who reads the columns of datasets, once for all who ask at the same time.
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
            turn: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// The columns of the dataset.
    ///
    /// # Errors
    /// Where the data cannot be read; `schema_pending` where that takes long, or `stopping`
    /// comes first: it goes on, and the next request may find it done.
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

    /// The reading of the dataset that is under way, or a new one.
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
        // It is finished and kept even where nobody waits for it any more.
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
                .map_err(|_| {
                    log::error!("reading the columns of {} panicked", dataset.name);
                    JobError::permanent("internal", "reading the data panicked")
                })??;
            let set = store.set_schema(&dataset.blob, &dataset.read, &schema);
            if let Err(error) = set.await {
                log::warn!("cannot store the columns of {}: {error}", dataset.name);
            }
            Ok(schema)
        };
        // Of the request that asked first, whoever drives it.
        Scope::current().run(reading).boxed()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Reading>> {
        self.readings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A reading's place among those under way, given back however it ends.
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
