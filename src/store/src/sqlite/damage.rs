//! Whether the file was found damaged. Later successes do not clear this; only a restart with
//! another file does.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

use lastcall_domain::{StoreError, StoreResult};
use rusqlite::ErrorCode;

use super::error::Fault;

/// The first bytes of every database file.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// The first sign of damage.
#[derive(Debug, Default)]
pub(super) struct Damage(OnceLock<String>);

impl Damage {
    /// Converts the fault into the port's error, and records damage.
    pub(super) fn convert(&self, fault: Fault) -> StoreError {
        let code = match &fault {
            Fault::Sqlite(error) => error.sqlite_error_code(),
            Fault::Row(_) => None,
        };
        let error = StoreError::from(fault);
        if let Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) = code
            && let StoreError::Failed(what) = &error
        {
            self.note(what.clone());
        }
        error
    }

    /// Checks the first bytes of the file, which SQLite may not read for a long time.
    pub(super) fn check_header(&self, file: &File) -> StoreResult<()> {
        let mut head = [0; MAGIC.len()];
        match file.read_exact_at(&mut head, 0) {
            Ok(()) if head == *MAGIC => self.check(),
            Ok(()) => self.found("its first bytes are not those of a database"),
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                self.found("it is cut off")
            }
            Err(error) => Err(StoreError::Unavailable(format!(
                "the database file cannot be read: {error}"
            ))),
        }
    }

    /// Fails if damage is known.
    pub(super) fn check(&self) -> StoreResult<()> {
        match self.0.get() {
            Some(what) => Err(StoreError::Failed(what.clone())),
            None => Ok(()),
        }
    }

    fn found(&self, what: &str) -> StoreResult<()> {
        self.note(format!(
            "the database file is damaged: {what}; restore it from a backup"
        ));
        self.check()
    }

    fn note(&self, what: String) {
        if self.0.set(what).is_ok()
            && let Some(what) = self.0.get()
        {
            log::error!("{what}");
        }
    }
}
