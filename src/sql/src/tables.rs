//! How the host finds the tables of a query.

use std::path::PathBuf;

use async_trait::async_trait;
use lastcall_domain::Dependency;

/// The tables that a query may read.
#[async_trait]
pub trait Tables: Send + Sync {
    /// The names of all tables. Called only when a query names a table.
    ///
    /// # Errors
    /// When they cannot be listed.
    async fn names(&self) -> Result<Vec<String>, TableError>;

    /// The Parquet file of a table, by one of the names that [`names`](Self::names) gave. Called
    /// only for tables that the query reads. The file has to stay until the query ends.
    ///
    /// # Errors
    /// When the table cannot be had.
    ///
    /// # Cancel safety
    /// The future is dropped when the query is cancelled or runs out of time.
    async fn open(&self, name: &str) -> Result<PathBuf, TableError>;
}

/// A table cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TableError {
    /// A stable code; it becomes the code of the query's error.
    pub code: &'static str,
    /// What happened, for the user.
    pub message: String,
    /// Whether the same call may succeed later.
    pub retryable: bool,
    /// The part of the environment whose fault it is.
    pub unavailable: Option<Dependency>,
}
