//! Opens a store by its URL.

use std::path::Path;
use std::sync::Arc;

use lastcall_domain::{Clock, Limits, Store, StoreError, StoreResult};

use crate::{PostgresStore, SqliteStore};

/// Whether a store can be opened at `url` as far as the URL goes: nothing is touched.
///
/// # Errors
/// [`StoreError::Failed`] where the URL is of no use. No error names its password.
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
/// As [`SqliteStore::open`] and [`PostgresStore::open`]; [`StoreError::Failed`] where
/// the URL is of no use. No error names the password of the URL.
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

/// Copies the rows of the store at `url` into the file `to`, which must not be there or be empty:
/// a whole and consistent copy, also while the service runs and writes. Gives its size in bytes.
///
/// # Errors
/// [`StoreError::Unavailable`] where there is no store or it cannot be read, or the copy cannot be
/// written; [`StoreError::Failed`] where it is damaged, no database of Lastcall's, or one of
/// PostgreSQL's, which has tools of its own.
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
