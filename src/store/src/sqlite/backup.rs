//! A consistent copy of the database, also while another process owns it and writes.

use std::fs::File;
use std::path::Path;
use std::time::Duration;

use lastcall_domain::{StoreError, StoreResult};
use rusqlite::{Connection, OpenFlags};

use super::lock::beside;
use super::open::{APPLICATION_ID, open_error};

/// How long to wait for a read lock on the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Copies the database at `path` into the file `to`, which must not exist or be empty. Returns the
/// size of the copy. SQLite lets other processes read the file of its owner.
pub(crate) fn back_up(path: &Path, to: &Path) -> StoreResult<u64> {
    let shown = path.display();
    if !path.exists() {
        return Err(StoreError::Unavailable(format!("there is no file {shown}")));
    }
    // The index of the log is removed before the log and made after it.
    let log = beside(path, "-wal");
    if !log.exists() && beside(path, "-shm").exists() {
        return Err(StoreError::Unavailable(format!(
            "{} was removed, and the newest transactions with it: restart the service, which saves \
             those that it still has, before copying",
            log.display()
        )));
    }
    let Some(name) = to.to_str() else {
        let shown = to.display();
        return Err(StoreError::Failed(format!("{shown} is not a UTF-8 path")));
    };
    let copy = || -> rusqlite::Result<bool> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(path, flags)?;
        conn.busy_timeout(BUSY_TIMEOUT)?;
        let application: i32 = conn.pragma_query_value(None, "application_id", |row| row.get(0))?;
        if application != APPLICATION_ID {
            return Ok(false);
        }
        // One read transaction from the first page to the last; the writer goes on meanwhile.
        conn.execute("VACUUM INTO ?1", [name])?;
        Ok(true)
    };
    if !copy().map_err(|error| open_error(path, error))? {
        return Err(StoreError::Failed(format!(
            "{shown} is no database of Lastcall's"
        )));
    }
    let flushed = || {
        let file = File::open(to)?;
        file.sync_all()?;
        Ok(file.metadata()?.len())
    };
    flushed().map_err(|error: std::io::Error| {
        StoreError::Unavailable(format!("{} cannot be written: {error}", to.display()))
    })
}
