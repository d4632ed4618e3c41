//! The files of a query's tables, each opened once, before the sandbox is entered.
//!
//! A dataset may be replaced or deleted while a query reads it, and its file then loses its name.
//! The query reads the open file to its end. The engine opens files by their paths, more than once,
//! and takes a path that has vanished for an empty folder, which is a table without rows: therefore
//! it gets the path of the descriptor.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use lastcall_child::guest::limits::FILES;
use lastcall_domain::Dependency;

use super::failure::out_of_descriptors;
use crate::error::Fault;
use crate::hint;
use crate::protocol::{Failure, FailureKind, Table};

/// The most tables of a query. The other files that the process may open are for the sandbox, for
/// reading the tables and for spilled runs.
const MAX_TABLES: usize = FILES - 128;

/// A table with its open file.
#[derive(Debug)]
pub(super) struct OpenTable {
    /// The table's name.
    pub(super) name: String,
    /// A path to the open file, valid as long as this value lives.
    pub(super) path: PathBuf,
    /// Keeps the file open.
    _file: File,
}

/// Opens the files.
pub(super) fn open(tables: Vec<Table>) -> Result<Vec<OpenTable>, Failure> {
    if tables.len() > MAX_TABLES {
        let fault = Fault::new(format!(
            "the query reads too many tables: {}, and at most {MAX_TABLES} are possible",
            tables.len()
        ));
        return Err(FailureKind::Exhausted.because(fault));
    }
    tables.into_iter().map(OpenTable::open).collect()
}

impl OpenTable {
    fn open(Table { name, path }: Table) -> Result<Self, Failure> {
        let file = open_file(&path).map_err(|error| failure(&name, &error))?;
        Ok(Self {
            path: descriptor_path(&file, &path),
            name,
            _file: file,
        })
    }
}

fn open_file(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    // The engine skips empty files, and would find a table without rows.
    if file.metadata()?.len() == 0 {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is empty"));
    }
    Ok(file)
}

fn failure(name: &str, error: &io::Error) -> Failure {
    let kind = match Dependency::of_io(error, Dependency::Blobs) {
        Some(Dependency::Blobs) => FailureKind::TableUnreadable,
        Some(_) => return out_of_descriptors(error),
        None => FailureKind::Failed,
    };
    kind.because(Fault::new(format!(
        "the file of table {} cannot be opened: {error}",
        hint::quoted(name)
    )))
}

/// A path that leads to the open file, whatever becomes of its name.
#[cfg(target_os = "linux")]
fn descriptor_path(file: &File, _: &Path) -> PathBuf {
    use std::os::fd::AsRawFd as _;
    format!("/proc/self/fd/{}", file.as_raw_fd()).into()
}

/// The file's own path: elsewhere the paths of descriptors share one position in the file.
#[cfg(not(target_os = "linux"))]
fn descriptor_path(_: &File, path: &Path) -> PathBuf {
    path.to_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use nix::errno::Errno;

    use super::*;

    #[test]
    fn more_tables_than_leave_room_for_other_files_are_refused_before_any_is_opened() {
        let gone = |number: usize| Table {
            name: format!("t{number}"),
            path: "/nowhere".into(),
        };
        let kind = |count: usize| open((0..count).map(gone).collect()).unwrap_err().kind;
        assert_eq!(kind(MAX_TABLES), FailureKind::TableUnreadable);
        assert_eq!(kind(MAX_TABLES + 1), FailureKind::Exhausted);
    }

    #[test]
    fn only_the_limit_of_the_process_is_a_fault_of_the_query() {
        let kind = |error: Errno| failure("t", &io::Error::from(error)).kind;
        assert_eq!(kind(Errno::EMFILE), FailureKind::Exhausted);
        assert_eq!(kind(Errno::ENFILE), FailureKind::NoFileDescriptors);
    }

    fn table(path: &Path) -> Vec<Table> {
        vec![Table {
            name: "t".into(),
            path: path.to_owned(),
        }]
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn an_open_file_is_read_to_its_end_after_it_was_replaced_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table");
        std::fs::write(&path, "old").unwrap();
        let tables = open(table(&path)).unwrap();
        std::fs::write(folder.path().join("new"), "new").unwrap();
        std::fs::rename(folder.path().join("new"), &path).unwrap();
        assert_eq!(std::fs::read(&tables[0].path).unwrap(), b"old");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(std::fs::read(&tables[0].path).unwrap(), b"old");
    }

    #[test]
    fn a_file_that_is_gone_is_no_fault_of_the_query_and_an_empty_one_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table");
        let gone = open(table(&path)).unwrap_err();
        assert_eq!(gone.kind, FailureKind::TableUnreadable, "{gone:?}");
        File::create(&path).unwrap();
        let empty = open(table(&path)).unwrap_err();
        assert_eq!(empty.kind, FailureKind::Failed, "{empty:?}");
    }
}
