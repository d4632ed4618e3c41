//! The dependencies of all work, which may be unavailable for a while.
//!
//! A fault of one of them is not the fault of the job that ran into it: the attempt waits for its
//! recovery, or its claim is handed back. Errors name it by their [`Dependency`].

use std::io;

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
}

/// "Too many open files", in this process.
const EMFILE: i32 = 24;
/// The same, on the whole machine.
const ENFILE: i32 = 23;
/// "No space left on device".
const ENOSPC: i32 = 28;
/// "Read-only file system".
const EROFS: i32 = 30;
/// "Disk quota exceeded": the number differs between systems.
const EDQUOT: i32 = if cfg!(target_os = "linux") { 122 } else { 69 };
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
    pub const ALL: [Self; 4] = [
        Self::Store,
        Self::Blobs,
        Self::Scratch,
        Self::FileDescriptors,
    ];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        ["store", "blobs", "scratch", "file_descriptors"][self.index()]
    }

    /// The error code of its outage.
    pub fn code(self) -> &'static str {
        match self {
            Self::Store => "store_unavailable",
            Self::Blobs => "blobs_unavailable",
            Self::Scratch => "scratch_unavailable",
            Self::FileDescriptors => "too_many_open_files",
        }
    }

    /// The dependency at fault for an error of the operating system, for files of `place`. `None`
    /// for an error that a library made up, or that is about the request: then the data is at
    /// fault.
    pub fn of_io(error: &io::Error, place: Self) -> Option<Self> {
        match os_code(error)? {
            EMFILE | ENFILE => Some(Self::FileDescriptors),
            code if ABOUT_THE_REQUEST.contains(&code) => None,
            _ => Some(place),
        }
    }

    /// The same for work that reads blobs and writes temporary files.
    pub fn of_work_io(error: &io::Error) -> Option<Self> {
        Self::of_shortage(error).or_else(|| Self::of_io(error, Self::Blobs))
    }

    /// The dependency that is exhausted, for temporary files and children: the descriptors, or the
    /// disk. `None` for any other error.
    pub fn of_shortage(error: &io::Error) -> Option<Self> {
        match os_code(error)? {
            EMFILE | ENFILE => Some(Self::FileDescriptors),
            ENOSPC | EROFS | EDQUOT => Some(Self::Scratch),
            _ => None,
        }
    }

    /// Its index in [`ALL`](Self::ALL).
    pub fn index(self) -> usize {
        match self {
            Self::Store => 0,
            Self::Blobs => 1,
            Self::Scratch => 2,
            Self::FileDescriptors => 3,
        }
    }
}

impl std::fmt::Display for Dependency {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The error code of the operating system, even if a library has wrapped the error.
fn os_code(error: &io::Error) -> Option<i32> {
    let wrapped = || error.get_ref()?.downcast_ref().and_then(os_code);
    error.raw_os_error().or_else(wrapped)
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
