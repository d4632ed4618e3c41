//! The columns of a dataset, for its description.

use std::sync::Arc;

use async_trait::async_trait;
use lastcall_api::Describe;
use lastcall_domain::{Blobs, Cancel, Dataset, JobError, Schema};
use lastcall_engine::Engine;

use super::compute::Compute;
use super::errors::{job, stopping};
use super::tables::source;

/// Infers names and types of columns by reading all cells.
pub(crate) struct Describer {
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) engine: Arc<Engine>,
    pub(crate) compute: Arc<Compute>,
}

#[async_trait]
impl Describe for Describer {
    async fn describe(&self, dataset: &Dataset) -> Result<Schema, JobError> {
        let file = self.blobs.local(&dataset.blob).await;
        let file = file.map_err(job)?;
        let (engine, dataset) = (Arc::clone(&self.engine), dataset.clone());
        let found = self
            .compute
            .run(move || {
                let source = source(&dataset, &file);
                engine.describe(source, &dataset.read, &Cancel::new())
            })
            .await
            .ok_or_else(stopping)?
            .map_err(job)?;
        Ok(Schema {
            columns: found.columns,
            read: found.read,
        })
    }
}
