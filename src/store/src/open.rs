//! Opens a store by its URL.

use std::path::Path;
use std::sync::Arc;

use lastcall_domain::{Clock, Limits, Store, StoreError, StoreResult};

use crate::{PostgresStore, SqliteStore};

/// Checks the form of a store's URL, without connecting.
///
/// # Errors
/// [`StoreError::Failed`] if the URL is invalid. No error contains its password.
pub fn check_store_url(url: &str) -> StoreResult<()> {
    match url.strip_prefix("sqlite://") {
        Some("") => Err(StoreError::Failed(format!("{url} names no file"))),
        Some(_) => Ok(()),
        None => PostgresStore::check_url(url),
    }
}

/// Opens the store at `url`: `sqlite://relative/file`, `sqlite:///absolute/file` or
/// `postgres://user@host/database`. The clock of a PostgreSQL store is that of its database.
///
/// # Errors
/// As [`SqliteStore::open`] and [`PostgresStore::open`]; [`StoreError::Failed`] if the URL is
/// invalid. No error contains the password of the URL.
pub async fn open_store(
    url: &str,
    clock: Arc<dyn Clock>,
    limits: Limits,
) -> StoreResult<Arc<dyn Store>> {
    if let Some(path) = url.strip_prefix("sqlite://") {
        if path.is_empty() {
            return Err(StoreError::Failed(format!("{url} names no file")));
        }
        return Ok(Arc::new(SqliteStore::open(Path::new(path), clock, limits)?));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Arc::new(PostgresStore::open(url, limits).await?));
    }
    Err(StoreError::Failed(
        "the URL is none of sqlite://file and postgres://user@host/database".to_owned(),
    ))
}

/// Copies the rows of the store at `url` into the file `to`, which must not exist or be empty: a
/// complete and consistent copy, even while the service runs and writes. Returns its size in bytes.
///
/// # Errors
/// [`StoreError::Unavailable`] if the store does not exist or cannot be read, or the copy cannot be
/// written; [`StoreError::Failed`] if it is damaged, not a database of Lastcall, or in PostgreSQL,
/// which has its own tools.
pub fn back_up_store(url: &str, to: &Path) -> StoreResult<u64> {
    match url.strip_prefix("sqlite://") {
        Some(path) if !path.is_empty() => crate::sqlite::back_up(Path::new(path), to),
        Some(_) => Err(StoreError::Failed(format!("{url} names no file"))),
        None => Err(StoreError::Failed(
            "the store is a PostgreSQL database: copy it with pg_dump, or by the server's own \
             base backups"
                .to_owned(),
        )),
    }
}
