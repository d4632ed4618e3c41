//! This process's folder below the configured scratch folder, and the sweep of folders left by
//! dead processes.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use lastcall_domain::Dependency;
use tempfile::{TempDir, TempPath};

/// The file in such a folder that its process keeps locked while it runs.
const LOCK: &str = "lock";
/// The file that is locked while folders are created and swept.
const SWEEP: &str = ".sweep";

/// The folder of this process; removed with everything in it when this value is dropped.
#[derive(Debug)]
pub struct Scratch {
    folder: TempDir,
    /// Held for its lock, which ends with the process, however that ends.
    lock: Mutex<File>,
}

impl Scratch {
    /// Sweeps `root` and creates a folder in it. Its name, like those of the swept folders, begins
    /// with `prefix`.
    ///
    /// # Errors
    /// If `root` cannot be created or written.
    pub fn new(root: &Path, prefix: &str) -> io::Result<Self> {
        fs::create_dir_all(root)?;
        // Without this lock a peer could sweep the new folder before its own lock is taken.
        let sweep = lock_file(&root.join(SWEEP))?;
        sweep.lock()?;
        remove_abandoned(root, prefix)?;
        let folder = tempfile::Builder::new()
            .prefix(prefix)
            .tempdir_in(fs::canonicalize(root)?)?;
        let lock = lock_file(&folder.path().join(LOCK))?;
        lock.lock()?;
        Ok(Self {
            folder,
            lock: Mutex::new(lock),
        })
    }

    /// A new folder for a child.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn folder(&self, prefix: &str) -> io::Result<TempDir> {
        self.make(|folder| tempfile::Builder::new().prefix(prefix).tempdir_in(folder))
    }

    /// A new file for a child's output.
    ///
    /// # Errors
    /// If it cannot be created.
    pub fn file(&self, prefix: &str) -> io::Result<(File, TempPath)> {
        self.make(|folder| temporary_file(folder, prefix))
    }

    /// Makes something in the folder, which is made again if somebody has removed or moved it:
    /// otherwise nothing would work until the next start.
    fn make<T>(&self, make: impl Fn(&Path) -> io::Result<T>) -> io::Result<T> {
        let folder = self.folder.path();
        match make(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.make_again()?;
                make(folder)
            }
            made => made,
        }
    }

    /// Makes the folder again, for this user alone and locked as at first.
    fn make_again(&self) -> io::Result<()> {
        let folder = self.folder.path();
        let root = folder.parent().unwrap_or(folder);
        fs::create_dir_all(root)?;
        let sweep = lock_file(&root.join(SWEEP))?;
        sweep.lock()?;
        match DirBuilder::new().mode(0o700).create(folder) {
            // Another thread was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
            made => made?,
        }
        let lock = lock_file(&folder.join(LOCK))?;
        lock.lock()?;
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = lock;
        Ok(())
    }
}

/// Creates a file in a folder, for this user alone. Its name begins with `prefix`, and is removed
/// with the path.
///
/// # Errors
/// Those of the operating system, marked as the scratch folder's.
pub fn temporary_file(folder: &Path, prefix: &str) -> io::Result<(File, TempPath)> {
    // `tempfile_in` would wrap an error and lose its code.
    let create = |path: &Path| {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
    };
    let file = tempfile::Builder::new()
        .prefix(prefix)
        .make_in(folder, create)
        .map_err(|error| Dependency::Scratch.mark(error))?;
    Ok(file.into_parts())
}

fn lock_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)
}

/// Removes the folders whose lock nobody holds.
fn remove_abandoned(root: &Path, prefix: &str) -> io::Result<()> {
    for entry in fs::read_dir(root)? {
        let entry = entry?;
        let ours = entry.file_name().to_string_lossy().starts_with(prefix);
        if !ours || !entry.file_type()?.is_dir() {
            continue;
        }
        let lock = lock_file(&entry.path().join(LOCK))?;
        match lock.try_lock() {
            Ok(()) => fs::remove_dir_all(entry.path())?,
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn folders(root: &Path) -> usize {
        fs::read_dir(root)
            .unwrap()
            .filter(|e| e.as_ref().unwrap().path().is_dir())
            .count()
    }

    #[test]
    fn a_file_that_cannot_be_created_is_an_error_of_the_scratch_folder_with_its_code() {
        let root = tempfile::tempdir().unwrap();
        let (mut file, path) = temporary_file(root.path(), "made-").unwrap();
        io::Write::write_all(&mut file, b"x").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"x");
        drop(path);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
        let place = root.path().join("file");
        fs::write(&place, "").unwrap();
        for folder in [place.as_path(), Path::new("/nowhere"), Path::new("/proc")] {
            let error = temporary_file(folder, "made-").unwrap_err();
            let whose = Dependency::of_work_io(&error);
            assert_eq!(whose, Some(Dependency::Scratch), "{folder:?}: {error:?}");
        }
    }

    #[test]
    fn a_folder_that_was_moved_away_is_made_again_as_it_was() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("scratch");
        let scratch = Scratch::new(&place, "sql-").unwrap();
        fs::rename(&place, root.path().join("away")).unwrap();
        let folder = scratch.folder("query-").unwrap();
        assert!(folder.path().is_dir());
        assert!(scratch.file("result-").is_ok());
        let permissions = fs::metadata(scratch.folder.path()).unwrap().permissions();
        assert_eq!(permissions.mode() & 0o777, 0o700);
        // Another process does not sweep it.
        let _other = Scratch::new(&place, "sql-").unwrap();
        assert!(folder.path().is_dir());
    }

    #[test]
    fn a_folder_of_a_dead_process_is_swept_and_one_of_a_live_process_is_not() {
        let root = tempfile::tempdir().unwrap();
        let dead = root.path().join("sql-dead");
        fs::create_dir_all(dead.join("query-1")).unwrap();
        fs::write(dead.join("query-1/spill"), "x").unwrap();
        fs::create_dir(root.path().join("unrelated")).unwrap();

        let first = Scratch::new(root.path(), "sql-").unwrap();
        assert!(!dead.exists());
        let second = Scratch::new(root.path(), "sql-").unwrap();
        assert_eq!(folders(root.path()), 3);

        drop(first);
        drop(second);
        assert_eq!(folders(root.path()), 1);
    }
}
