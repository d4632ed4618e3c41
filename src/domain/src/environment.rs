//! The dependencies of all work, which may be unavailable for a while.
//!
//! A fault of one of them is not the fault of the job that ran into it: the attempt waits for its
//! recovery, or its claim is handed back. Errors name it by their [`Dependency`].

use std::any::Any;
use std::error::Error;
use std::io::{self, ErrorKind};

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// A dependency of all work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dependency {
    /// The database.
    Store,
    /// The blob store.
    Blobs,
    /// The disk of the temporary files.
    Scratch,
    /// The process's or the machine's share of file descriptors.
    FileDescriptors,
    /// The process's or the machine's share of threads and processes.
    Threads,
}

/// "Too many open files", in this process.
const EMFILE: i32 = 24;
/// The same, on the whole machine.
const ENFILE: i32 = 23;
/// "Resource temporarily unavailable", for a thread or a process: the number differs between
/// systems.
const EAGAIN: i32 = if cfg!(target_os = "linux") { 11 } else { 35 };
/// "No space left on device".
const ENOSPC: i32 = 28;
/// "Read-only file system".
const EROFS: i32 = 30;
/// "Disk quota exceeded": the number differs between systems.
const EDQUOT: i32 = if cfg!(target_os = "linux") { 122 } else { 69 };
/// How tokio's panic begins if it can start no thread for a blocking call, such as any on a file:
/// it has no error for that.
const NO_THREAD: &str = "OS can't spawn worker thread";
/// Errors that are about the request itself, which no disk could satisfy: an invalid offset or
/// length, a name that is too long, a folder read as a file. A caller's file may cause them.
const ABOUT_THE_REQUEST: [i32; 5] = [
    // EISDIR, EINVAL, EFBIG
    21,
    22,
    27,
    // ENAMETOOLONG and EOVERFLOW: their numbers differ between systems as well.
    if cfg!(target_os = "linux") { 36 } else { 63 },
    if cfg!(target_os = "linux") { 75 } else { 84 },
];

impl Dependency {
    /// All dependencies.
    pub const ALL: [Self; 5] = [
        Self::Store,
        Self::Blobs,
        Self::Scratch,
        Self::FileDescriptors,
        Self::Threads,
    ];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        ["store", "blobs", "scratch", "file_descriptors", "threads"][self.index()]
    }

    /// The error code of its outage.
    pub fn code(self) -> &'static str {
        match self {
            Self::Store => "store_unavailable",
            Self::Blobs => "blobs_unavailable",
            Self::Scratch => "scratch_unavailable",
            Self::FileDescriptors => "too_many_open_files",
            Self::Threads => "too_many_threads",
        }
    }

    /// Marks an error as one about files of this dependency, for a caller that also has to do with
    /// others'.
    pub fn mark(self, error: io::Error) -> io::Error {
        let kind = error.kind();
        let dependency = self;
        io::Error::new(kind, Marked { dependency, error })
    }

    /// The dependency at fault for an error of the operating system, for files of `place` unless it
    /// is [marked](Self::mark). `None` for an error that a library made up, or that is about the
    /// request: then the data is at fault.
    pub fn of_io(error: &io::Error, place: Self) -> Option<Self> {
        let marked = marked(error);
        match os_code(error) {
            Some(EMFILE | ENFILE) => Some(Self::FileDescriptors),
            Some(code) if ABOUT_THE_REQUEST.contains(&code) => None,
            Some(_) => Some(marked.unwrap_or(place)),
            None => marked,
        }
    }

    /// The same for work that reads blobs and writes temporary files.
    pub fn of_work_io(error: &io::Error) -> Option<Self> {
        Self::of_shortage(error).or_else(|| Self::of_io(error, Self::Blobs))
    }

    /// The dependency that is exhausted, for temporary files and children: the descriptors, the
    /// threads or the disk. `None` for any other error.
    pub fn of_shortage(error: &io::Error) -> Option<Self> {
        match os_code(error)? {
            EMFILE | ENFILE => Some(Self::FileDescriptors),
            EAGAIN => Some(Self::Threads),
            ENOSPC | EROFS | EDQUOT => Some(Self::Scratch),
            _ => None,
        }
    }

    /// The dependency at fault for a panic; `None` if the code is at fault.
    pub fn of_panic(panic: &(dyn Any + Send)) -> Option<Self> {
        let message = panic.downcast_ref::<String>()?;
        message.starts_with(NO_THREAD).then_some(Self::Threads)
    }

    /// Its index in [`ALL`](Self::ALL).
    pub fn index(self) -> usize {
        match self {
            Self::Store => 0,
            Self::Blobs => 1,
            Self::Scratch => 2,
            Self::FileDescriptors => 3,
            Self::Threads => 4,
        }
    }
}

impl std::fmt::Display for Dependency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An error with the dependency whose files it is about.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
struct Marked {
    dependency: Dependency,
    #[source]
    error: io::Error,
}

/// The dependency that the error is marked with.
fn marked(error: &io::Error) -> Option<Dependency> {
    let mark = |cause: &(dyn Error + 'static)| Some(cause.downcast_ref::<Marked>()?.dependency);
    causes(error).find_map(mark)
}

/// The error code of the operating system, even if libraries have wrapped the error.
fn os_code(error: &io::Error) -> Option<i32> {
    let code = |error: &io::Error| {
        let code = error.raw_os_error();
        code.or_else(|| code_of_kind(error.kind()))
    };
    let of_cause = |cause: &(dyn Error + 'static)| cause.downcast_ref::<io::Error>().and_then(code);
    code(error).or_else(|| causes(error).find_map(of_cause))
}

/// The code of a kind that only the operating system reports: some libraries keep the kind of an
/// error and lose its code.
fn code_of_kind(kind: ErrorKind) -> Option<i32> {
    match kind {
        ErrorKind::StorageFull => Some(ENOSPC),
        ErrorKind::ReadOnlyFilesystem => Some(EROFS),
        _ => None,
    }
}

/// The errors that this one wraps, the outermost first.
fn causes(error: &io::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(wrapped(error), |cause| cause_of(*cause))
}

fn cause_of<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    match error.downcast_ref::<io::Error>() {
        // Its `source` is not the error that it wraps, but that one's source.
        Some(error) => wrapped(error),
        None => error.source(),
    }
}

fn wrapped(error: &io::Error) -> Option<&(dyn Error + 'static)> {
    let inner: &(dyn Error + 'static) = error.get_ref()?;
    Some(inner)
}

/// Probes the dependencies.
#[async_trait]
pub trait Environment: Send + Sync {
    /// Uses the dependency like real work, but with little data.
    ///
    /// # Errors
    /// Why it is unavailable.
    async fn probe(&self, dependency: Dependency) -> Result<(), String>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_operating_system_is_known_as_one_also_when_it_is_wrapped() {
        let full = io::Error::from_raw_os_error(28);
        assert_eq!(Dependency::of_work_io(&full), Some(Dependency::Scratch));
        let open_files = io::Error::other(io::Error::from_raw_os_error(EMFILE));
        let whose = Dependency::of_io(&open_files, Dependency::Blobs);
        assert_eq!(whose, Some(Dependency::FileDescriptors));
        let gone = io::Error::from_raw_os_error(2);
        assert_eq!(Dependency::of_work_io(&gone), Some(Dependency::Blobs));
        let data = io::Error::new(io::ErrorKind::InvalidData, "no such code");
        assert_eq!(Dependency::of_work_io(&data), None);
    }

    /// A library's error with a cause.
    #[derive(Debug, thiserror::Error)]
    #[error("at path \"file\"")]
    struct AtPath(#[source] io::Error);

    #[test]
    fn an_error_of_the_operating_system_is_found_however_deep_it_is_wrapped() {
        let quota = io::Error::from_raw_os_error(EDQUOT);
        let wrapped = io::Error::other(AtPath(io::Error::other(AtPath(quota))));
        let whose = Dependency::of_shortage(&wrapped);
        assert_eq!(whose, Some(Dependency::Scratch));
        // The library has kept the kind alone.
        let full = io::Error::new(ErrorKind::StorageFull, "at path \"file\"");
        assert_eq!(Dependency::of_shortage(&full), Some(Dependency::Scratch));
        // A marked error is about files of that dependency, whatever else is read beside them.
        let gone = Dependency::Scratch.mark(io::Error::from_raw_os_error(2));
        let passed_on = io::Error::other(AtPath(gone));
        let whose = Dependency::of_work_io(&passed_on);
        assert_eq!(whose, Some(Dependency::Scratch));
        let open_files = Dependency::Scratch.mark(io::Error::from_raw_os_error(EMFILE));
        let whose = Dependency::of_work_io(&open_files);
        assert_eq!(whose, Some(Dependency::FileDescriptors));
        // A library may say of an archive that a file is not in it.
        let missing = io::Error::new(ErrorKind::NotFound, "no such sheet");
        assert_eq!(Dependency::of_work_io(&missing), None);
    }

    #[test]
    fn a_child_that_cannot_be_started_needs_threads() {
        let none = io::Error::from_raw_os_error(EAGAIN);
        assert_eq!(none.kind(), ErrorKind::WouldBlock);
        assert_eq!(Dependency::of_shortage(&none), Some(Dependency::Threads));
    }

    #[test]
    fn a_panic_for_want_of_threads_is_an_outage() {
        let panic = |message: &str| -> Box<dyn Any + Send> { Box::new(message.to_owned()) };
        let none = panic("OS can't spawn worker thread: Resource temporarily unavailable");
        assert_eq!(Dependency::of_panic(&*none), Some(Dependency::Threads));
        assert_eq!(Dependency::of_panic(&*panic("index out of bounds")), None);
    }

    #[test]
    fn an_error_about_the_request_is_no_outage() {
        let whose =
            |code| Dependency::of_io(&io::Error::from_raw_os_error(code), Dependency::Blobs);
        for code in ABOUT_THE_REQUEST {
            assert_eq!(whose(code), None, "{code}");
        }
        // EIO, ESTALE and ETIMEDOUT.
        for code in [5, 116, 110] {
            assert_eq!(whose(code), Some(Dependency::Blobs), "{code}");
        }
        // The kernel's error for an invalid offset, whatever its number is.
        let file = std::fs::File::open(std::env::current_exe().unwrap()).unwrap();
        let refused = io::Seek::seek(&mut &file, io::SeekFrom::Start(u64::MAX)).unwrap_err();
        assert_eq!(Dependency::of_work_io(&refused), None, "{refused}");
    }

    #[test]
    fn each_has_its_place() {
        for (index, dependency) in Dependency::ALL.into_iter().enumerate() {
            assert_eq!(dependency.index(), index);
        }
    }
}
