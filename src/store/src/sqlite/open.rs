//! Opens the file: its lock, settings and schema.

use std::fs::File;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use lastcall_domain::{StoreError, StoreResult};
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::error::Fault;
use super::lock::{FileLock, beside};

/// Marks a database file as Lastcall's: "LCst".
pub(super) const APPLICATION_ID: i32 = 0x4c43_7374;
/// The steps from one version of the schema to the next; the version is their number.
const MIGRATIONS: &[&str] = &[
    include_str!("schema.sql"),
    include_str!("suspects.sql"),
    include_str!("read_options.sql"),
    include_str!("fair.sql"),
    include_str!("priorities.sql"),
    include_str!("trace.sql"),
    include_str!("content_key.sql"),
    include_str!("labels.sql"),
];

/// Pages that the writer keeps in memory, in KiB.
const WRITER_CACHE_KIB: i32 = 16 * 1024;
/// Pages that each reader keeps in memory, in KiB.
const READER_CACHE_KIB: i32 = 2 * 1024;
/// The most statements that a connection keeps prepared.
const STATEMENTS: usize = 96;
/// The size at which the write-ahead log is checkpointed, in pages of 4 KiB.
const CHECKPOINT_PAGES: i32 = 4_000;
/// The size to which the log is truncated after a burst, in bytes.
const LOG_LIMIT: i32 = 64 * 1024 * 1024;

/// A database file that no other process has open while this lives.
#[derive(Debug)]
pub(super) struct Owned {
    path: PathBuf,
    lock: FileLock,
    /// The path of the write-ahead log.
    log: PathBuf,
    /// Device and inode of the log that the connections have open.
    log_identity: OnceLock<(u64, u64)>,
}

impl Owned {
    /// Locks the file, and creates its folder if needed.
    pub(super) fn take(path: &Path) -> StoreResult<Self> {
        if let Some(folder) = path.parent().filter(|folder| *folder != Path::new("")) {
            make_folder(folder).map_err(|error| {
                StoreError::Failed(format!("cannot open {}: {error}", folder.display()))
            })?;
        }
        Ok(Self {
            lock: FileLock::take(path)?,
            path: path.to_owned(),
            // After the lock, which creates the file.
            log: beside(path, "-wal"),
            log_identity: OnceLock::new(),
        })
    }

    /// Records which log is open. SQLite keeps that file, whatever it writes, until the last
    /// connection is closed.
    pub(super) fn remember_log(&self) {
        // There is none on a file system that cannot share memory between processes.
        if let Ok(found) = std::fs::metadata(&self.log) {
            // Set once, because the log is opened once.
            let _ = self.log_identity.set((found.dev(), found.ino()));
        }
    }

    /// Fails if the path no longer leads to the locked file.
    pub(super) fn check_in_place(&self) -> StoreResult<()> {
        in_place(&self.path, self.lock.identity())
    }

    /// Fails if the path of the log no longer leads to the open log.
    pub(super) fn check_log(&self) -> StoreResult<()> {
        let open = self.log_identity.get();
        open.map_or(Ok(()), |identity| in_place(&self.log, *identity))
    }

    /// The file.
    pub(super) fn file(&self) -> &File {
        self.lock.file()
    }

    /// Opens the connection that writes, and migrates the schema to this version.
    pub(super) fn writer(&self) -> StoreResult<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        self.open(flags, |conn| {
            conn.pragma_update(None, "journal_mode", "WAL")?;
            conn.pragma_update(None, "synchronous", "FULL")?;
            conn.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
            conn.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
            conn.pragma_update(None, "journal_size_limit", LOG_LIMIT)
        })
        .and_then(|mut conn| {
            self.migrate(&mut conn)?;
            Ok(conn)
        })
    }

    /// Opens one of the connections that read.
    pub(super) fn reader(&self) -> StoreResult<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        self.open(flags, |conn| {
            conn.pragma_update(None, "query_only", true)?;
            conn.pragma_update(None, "cache_size", -READER_CACHE_KIB)
        })
    }

    fn open(
        &self,
        flags: OpenFlags,
        settings: impl FnOnce(&Connection) -> rusqlite::Result<()>,
    ) -> StoreResult<Connection> {
        let open = || {
            let conn = Connection::open_with_flags(&self.path, flags)?;
            conn.busy_timeout(std::time::Duration::from_secs(5))?;
            conn.set_prepared_statement_cache_capacity(STATEMENTS);
            settings(&conn)?;
            conn.pragma_update(None, "temp_store", "MEMORY")?;
            Ok(conn)
        };
        open().map_err(|error: rusqlite::Error| self.open_error(error))
    }

    fn migrate(&self, conn: &mut Connection) -> StoreResult<()> {
        let path = self.path.display();
        let found = |name: &str| conn.pragma_query_value(None, name, |row| row.get::<_, i32>(0));
        let version = found("user_version").map_err(|error| self.open_error(error))?;
        let application = found("application_id").map_err(|error| self.open_error(error))?;
        let tables: i64 = conn
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
            .map_err(|error| self.open_error(error))?;
        if application != APPLICATION_ID && (tables > 0 || version != 0) {
            return Err(StoreError::Failed(format!(
                "{path} is the database of another program"
            )));
        }
        let done = usize::try_from(version).unwrap_or(usize::MAX);
        let Some(missing) = MIGRATIONS.get(done..) else {
            return Err(StoreError::Failed(format!(
                "{path} was written by a newer version of Lastcall: its schema has version \
                 {version}, this one knows {}",
                MIGRATIONS.len()
            )));
        };
        if missing.is_empty() {
            return Ok(());
        }
        let mut step = || {
            let transaction = conn.transaction()?;
            for migration in missing {
                transaction.execute_batch(migration)?;
            }
            transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
            transaction.pragma_update(None, "user_version", MIGRATIONS.len() as i64)?;
            transaction.commit()
        };
        step().map_err(|error: rusqlite::Error| self.open_error(error))
    }

    /// Converts an error during the start.
    fn open_error(&self, error: rusqlite::Error) -> StoreError {
        open_error(&self.path, error)
    }
}

/// Converts an error during the start, with the path of the file.
pub(super) fn open_error(path: &Path, error: rusqlite::Error) -> StoreError {
    let path = path.display();
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => {
            StoreError::Failed(format!("{path} is not an SQLite database"))
        }
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            StoreError::Failed(format!("{path} cannot be written: {error}"))
        }
        _ => match StoreError::from(Fault::from(error)) {
            StoreError::Unavailable(what) => StoreError::Unavailable(format!("{path}: {what}")),
            StoreError::NoSpace(what) => StoreError::NoSpace(format!("{path}: {what}")),
            StoreError::Failed(what) => StoreError::Failed(format!("{path}: {what}")),
            StoreError::Closed => StoreError::Closed,
        },
    }
}

fn in_place(path: &Path, identity: (u64, u64)) -> StoreResult<()> {
    let found = std::fs::metadata(path);
    if found.is_ok_and(|found| (found.dev(), found.ino()) == identity) {
        return Ok(());
    }
    Err(StoreError::Unavailable(format!(
        "{} was removed or replaced while it was open",
        path.display()
    )))
}

/// Creates the folder durably.
fn make_folder(folder: &Path) -> std::io::Result<()> {
    let missing = folder.ancestors().take_while(|folder| !folder.exists());
    let above: Vec<&Path> = missing.filter_map(Path::parent).collect();
    std::fs::create_dir_all(folder)?;
    for folder in above {
        let here = Path::new(".");
        let folder = if folder == Path::new("") {
            here
        } else {
            folder
        };
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
