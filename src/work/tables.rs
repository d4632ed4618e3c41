//! The session's datasets as the tables of a query.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use async_trait::async_trait;
use lastcall_child::host::temporary_file;
use lastcall_domain::store::Store;
use lastcall_domain::{
    BlobKey, Blobs, Cancel, Dataset, DatasetName, LocalBlob, Progress, Schema, SessionId,
};
use lastcall_engine::{Engine, Source};
use lastcall_sql::{TableError, Tables};

use super::compute::Compute;
use super::errors::{table, table_cancelled, table_scratch, table_stopping};
use super::seen::SeenDatasets;

/// How many datasets are listed at a time.
const PAGE: u32 = 500;

/// The tables of one query. Holds the files that the query reads until it is dropped.
pub(crate) struct SessionTables<'a> {
    pub(super) session: SessionId,
    pub(super) store: Arc<dyn Store>,
    pub(super) blobs: Arc<dyn Blobs>,
    pub(super) engine: Arc<Engine>,
    pub(super) compute: Arc<Compute>,
    pub(super) scratch: PathBuf,
    pub(super) cancel: Cancel,
    pub(super) conversions: Arc<Conversions>,
    pub(super) seen: &'a SeenDatasets,
    pub(super) open: Mutex<Vec<LocalBlob>>,
}

/// The conversions that are under way.
#[derive(Debug, Default)]
pub(crate) struct Conversions(Mutex<HashMap<BlobKey, Weak<tokio::sync::Mutex<()>>>>);

impl Conversions {
    /// The lock of whoever creates this blob.
    pub(super) fn turn(&self, key: &BlobKey) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| turn.strong_count() > 0);
        if let Some(turn) = turns.get(key).and_then(Weak::upgrade) {
            return turn;
        }
        let turn = Arc::default();
        turns.insert(key.clone(), Arc::downgrade(&turn));
        turn
    }
}

#[async_trait]
impl Tables for SessionTables<'_> {
    async fn names(&self) -> Result<Vec<String>, TableError> {
        let mut names: Vec<DatasetName> = Vec::new();
        loop {
            let page = self.store.datasets(self.session, names.last(), PAGE).await;
            let page = page.map_err(table)?;
            names.extend(page.items.into_iter().map(|dataset| dataset.name));
            if !page.more {
                return Ok(names.into_iter().map(String::from).collect());
            }
        }
    }

    async fn open(&self, name: &str) -> Result<PathBuf, TableError> {
        let dataset = self.dataset(name).await?;
        let key = self.converted(dataset).await?;
        let file = self.blobs.local(&key).await.map_err(table)?;
        let path = file.path().to_owned();
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(file);
        Ok(path)
    }
}

impl SessionTables<'_> {
    async fn dataset(&self, name: &str) -> Result<Dataset, TableError> {
        let gone = || TableError {
            code: "dataset_not_found",
            message: format!("there is no dataset {name} in the session"),
            retryable: false,
            unavailable: None,
        };
        let name = DatasetName::try_from(name.to_owned()).map_err(|_| gone())?;
        let dataset = self.store.dataset(self.session, &name).await;
        let dataset = dataset.map_err(table)?.ok_or_else(gone)?;
        self.seen.note(&dataset);
        Ok(dataset)
    }

    /// The dataset as Parquet, with the columns of its profile: the types that all of its cells
    /// agree on, the same cells missing. Uploads of Parquet are converted as well. Created once,
    /// while other queries that need it wait, and kept beside the dataset.
    async fn converted(&self, dataset: Dataset) -> Result<BlobKey, TableError> {
        let key = dataset.materialized();
        if self.blobs.exists(&key).await.map_err(table)? {
            return Ok(key);
        }
        let turn = self.conversions.turn(&key);
        let _turn = tokio::select! {
            turn = turn.lock() => turn,
            () = self.cancel.cancelled() => return Err(table_cancelled()),
        };
        if self.blobs.exists(&key).await.map_err(table)? {
            return Ok(key);
        }
        let original = self.blobs.local(&dataset.blob).await.map_err(table)?;
        // If the query ends meanwhile, the name is removed at once, and the bytes when the engine
        // closes the file. The engine has no name to write to, so it cannot bring the file back.
        let (out, file) = temporary_file(&self.scratch, "convert-").map_err(table_scratch)?;
        let (engine, cancel) = (Arc::clone(&self.engine), self.cancel.clone());
        let (blob, read) = (dataset.blob.clone(), dataset.read.clone());
        let is_described = dataset.schema.is_some();
        let made = self
            .compute
            .run(move || {
                let (source, read) = (source(&dataset, &original), &dataset.read);
                engine.materialize(source, read, &out, &cancel, &Progress::new())
            })
            .await
            .ok_or_else(table_stopping)?
            .map_err(table)?;
        if !is_described {
            // The columns are stored, so that nobody has to read the data again for them.
            let schema = Schema {
                columns: made.columns,
                read: made.read,
            };
            if let Err(error) = self.store.set_schema(&blob, &read, &schema).await {
                log::debug!("the columns of a table could not be kept: {error}");
            }
        }
        self.blobs.put_file(&key, &file).await.map_err(table)?;
        Ok(key)
    }
}

impl Drop for SessionTables<'_> {
    fn drop(&mut self) {
        let open = self.open.get_mut().unwrap_or_else(PoisonError::into_inner);
        if !open.is_empty() {
            self.compute.dispose(std::mem::take(open));
        }
    }
}

/// The source for the engine.
pub(super) fn source(dataset: &Dataset, file: &LocalBlob) -> Source {
    Source {
        path: file.path().to_owned(),
        format: dataset.format,
        name: dataset.name.as_str().to_owned(),
        seed: Source::seed_of(&dataset.sha256),
    }
}
