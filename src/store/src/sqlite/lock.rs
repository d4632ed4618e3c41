//! Ownership of a database file: a lock on the file itself, so that no other name (a symbolic or
//! hard link) bypasses it, and a lock on a file beside it, so that no other file takes its place.
//!
//! SQLite loses all its locks on a file when its process closes any other descriptor of that file.
//! The descriptor here outlives every connection, and its lock does not overlap with SQLite's: it
//! covers a single byte far beyond the end.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use lastcall_domain::{StoreError, StoreResult};

/// The locks on a file. The kernel releases them when the process ends, however it ends.
#[derive(Debug)]
pub(super) struct FileLock {
    file: File,
    identity: (u64, u64),
    _beside: File,
}

impl FileLock {
    /// Locks the file at `path`, and creates it if it does not exist.
    pub(super) fn take(path: &Path) -> StoreResult<Self> {
        let file = open(path).map_err(|error| {
            StoreError::Failed(format!("{} cannot be written: {error}", path.display()))
        })?;
        if !try_lock_file(&file).map_err(|error| cannot_lock(path, &error))? {
            // If this process is the owner, closing it would release SQLite's locks.
            std::mem::forget(file);
            return Err(in_use(path));
        }
        let meta = file.metadata().map_err(|error| cannot_lock(path, &error))?;
        if meta.nlink() > 1 {
            log::warn!(
                "{} has {} names (hard links): what is written to it changes under each of them",
                path.display(),
                meta.nlink()
            );
        }
        let beside = lock_beside(path)?;
        Ok(Self {
            identity: (meta.dev(), meta.ino()),
            file,
            _beside: beside,
        })
    }

    /// Device and inode of the file.
    pub(super) fn identity(&self) -> (u64, u64) {
        self.identity
    }

    /// The file.
    pub(super) fn file(&self) -> &File {
        &self.file
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    options.open(path)
}

/// The file named like the database plus `suffix`, wherever a symbolic link to the database is.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut name = path.into_os_string();
    name.push(suffix);
    name.into()
}

/// Locks the file named like the database plus `-lock`.
fn lock_beside(path: &Path) -> StoreResult<File> {
    let name = beside(path, "-lock");
    let lock = open(&name).map_err(|error| cannot_lock(&name, &error))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(in_use(path)),
        Err(TryLockError::Error(error)) => Err(cannot_lock(&name, &error)),
    }
}

/// Whether the file was free. The lock belongs to the open file, not to the process.
#[cfg(target_os = "linux")]
fn try_lock_file(file: &File) -> io::Result<bool> {
    use nix::errno::Errno;
    use nix::fcntl::{FcntlArg, fcntl};
    use nix::libc;

    /// Beyond any database, and beyond the bytes that SQLite locks.
    const BYTE: libc::off_t = 1 << 46;

    let lock = libc::flock {
        l_type: libc::F_WRLCK as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: BYTE,
        l_len: 1,
        l_pid: 0,
    };
    match fcntl(file, FcntlArg::F_OFD_SETLK(&lock)) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// The same by flock(2), which SQLite does not use.
#[cfg(not(target_os = "linux"))]
fn try_lock_file(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn in_use(path: &Path) -> StoreError {
    StoreError::Unavailable(format!(
        "{} is in use by another process, under this name or another: stop that one first, or \
         give each its own file, or use PostgreSQL for several replicas",
        path.display()
    ))
}

fn cannot_lock(path: &Path, error: &io::Error) -> StoreError {
    StoreError::Failed(format!("cannot open {}: {error}", path.display()))
}
