//! The dependencies of all work, which may be unavailable for a while.
//!
//! A fault of one of them is not the fault of the job that met it: the attempt waits until the
//! part is back, or its claim is handed back. What fails says so with [`Dependency`].

use std::io;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// A part of the environment that work depends on.
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
/// What is said of a request that no disk could grant: an offset or a length that is none, a name
/// that is too long, a folder to be read as a file. A file that somebody made may ask for it.
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
    /// Every one of them.
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

    /// The code of an error that is its fault.
    pub fn code(self) -> &'static str {
        match self {
            Self::Store => "store_unavailable",
            Self::Blobs => "blobs_unavailable",
            Self::Scratch => "scratch_unavailable",
            Self::FileDescriptors => "too_many_open_files",
        }
    }

    /// Whose fault an error of the operating system is, where files of `place` are used. `None`
    /// for an error that a library made up, and for one that is about what was asked for: it is
    /// about the data.
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

    /// The part of which there is not enough where temporary files are made and children started:
    /// the descriptors, or the disk. `None` for any other error.
    pub fn of_shortage(error: &io::Error) -> Option<Self> {
        match os_code(error)? {
            EMFILE | ENFILE => Some(Self::FileDescriptors),
            ENOSPC | EROFS | EDQUOT => Some(Self::Scratch),
            _ => None,
        }
    }

    /// Its place in [`ALL`](Self::ALL).
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

/// The code of the operating system, also where a library has wrapped the error.
fn os_code(error: &io::Error) -> Option<i32> {
    let wrapped = || error.get_ref()?.downcast_ref().and_then(os_code);
    error.raw_os_error().or_else(wrapped)
}

/// Asks the parts of the environment whether they are there.
#[async_trait]
pub trait Environment: Send + Sync {
    /// Uses the part as work does, with little.
    ///
    /// # Errors
    /// Why it cannot be used.
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
    fn what_is_said_of_the_request_is_nobodys_outage() {
        let whose =
            |code| Dependency::of_io(&io::Error::from_raw_os_error(code), Dependency::Blobs);
        for code in ABOUT_THE_REQUEST {
            assert_eq!(whose(code), None, "{code}");
        }
        // EIO, ESTALE and ETIMEDOUT.
        for code in [5, 116, 110] {
            assert_eq!(whose(code), Some(Dependency::Blobs), "{code}");
        }
        // What the kernel says of an offset that is none, whatever its number is.
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
