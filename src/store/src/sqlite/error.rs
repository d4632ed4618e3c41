//! Converts SQLite errors into those of the port.

use lastcall_domain::StoreError;
use rusqlite::ErrorCode;

use crate::codec::Unreadable;

/// Why a statement failed.
#[derive(Debug, thiserror::Error)]
pub(super) enum Fault {
    /// SQLite returned an error.
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    /// A row cannot be read.
    #[error(transparent)]
    Row(#[from] Unreadable),
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Self::Row(error.into())
    }
}

/// The result of one operation on the database.
pub(super) type Sql<T> = Result<T, Fault>;

/// "The file of the shared memory cannot be made larger."
const SHM_SIZE: i32 = rusqlite::ffi::SQLITE_IOERR_SHMSIZE;

fn extended_code(error: &rusqlite::Error) -> i32 {
    error.sqlite_error().map_or(0, |error| error.extended_code)
}

/// The error of a full disk.
pub(super) fn full() -> StoreError {
    StoreError::NoSpace("the disk of the database is full".to_owned())
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        let Fault::Sqlite(error) = fault else {
            return StoreError::Failed(fault.to_string());
        };
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => full(),
            // The index of the write-ahead log cannot grow.
            Some(ErrorCode::SystemIoFailure) if extended_code(&error) == SHM_SIZE => full(),
            Some(
                ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::OutOfMemory
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied
                | ErrorCode::OperationInterrupted
                | ErrorCode::OperationAborted,
            ) => StoreError::Unavailable(format!("the database file: {error}")),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Failed(
                format!("the database file is damaged: {error}; restore it from a backup"),
            ),
            _ => StoreError::Failed(error.to_string()),
        }
    }
}
