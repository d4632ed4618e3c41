//! Access to the tables of a query.

use std::path::PathBuf;

use async_trait::async_trait;
use lastcall_domain::Dependency;

/// The tables that a query may read.
#[async_trait]
pub trait Tables: Send + Sync {
    /// The names of all tables. Called only if a query names a table.
    ///
    /// # Errors
    /// If they cannot be listed.
    async fn names(&self) -> Result<Vec<String>, TableError>;

    /// The Parquet file of a table, by a name from [`names`](Self::names). Called only for tables
    /// that the query reads. The file has to exist until the query has opened it: if it does not,
    /// the query fails as if [`Dependency::Blobs`] were unavailable.
    ///
    /// # Errors
    /// If the table is not available.
    ///
    /// # Cancel safety
    /// The future is dropped when the query is cancelled or runs out of time.
    async fn open(&self, name: &str) -> Result<PathBuf, TableError>;
}

/// A table is not available.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TableError {
    /// A stable code; it becomes the code of the query's error.
    pub code: &'static str,
    /// What happened, for the user.
    pub message: String,
    /// Whether the same call may succeed later.
    pub retryable: bool,
    /// The unavailable dependency, if there is one.
    pub unavailable: Option<Dependency>,
}
