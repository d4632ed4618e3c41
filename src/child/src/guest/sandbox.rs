//! The child's sandbox: only the files it needs, no sockets, no programs.
//!
//! Both restrictions apply to the calling thread and to every thread that it starts later.

use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// Which sandbox features of the operating system restrict a child, besides limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// Only the files that it needs are accessible (landlock).
    pub files: bool,
    /// No sockets can be opened and no programs started (seccomp).
    pub system_calls: bool,
}

impl Capabilities {
    /// What is missing, in words; `None` if nothing is.
    pub fn missing(self) -> Option<&'static str> {
        match (self.files, self.system_calls) {
            (true, true) => None,
            (false, false) => Some("neither landlock nor seccomp"),
            (false, true) => Some("no landlock"),
            (true, false) => Some("no seccomp"),
        }
    }
}

/// Restricts the calling thread as far as the kernel can: it may write below `folder`, and read the
/// files and folders of `read`. Those that do not exist stay inaccessible.
///
/// # Errors
/// If the folder cannot be opened, marked as the scratch folder's error; and if the kernel supports
/// a feature and refuses to enable it.
#[cfg(target_os = "linux")]
pub fn enter(folder: &Path, read: &[&Path]) -> io::Result<Capabilities> {
    let folder = std::fs::File::open(folder);
    let folder = folder.map_err(|error| lastcall_domain::Dependency::Scratch.mark(error))?;
    let files = linux::restrict_files(&folder, read).map_err(io::Error::other)?;
    let system_calls = super::syscalls::close()?;
    Ok(Capabilities {
        files,
        system_calls,
    })
}

/// Restricts nothing: only the limits apply.
#[cfg(not(target_os = "linux"))]
pub fn enter(_: &Path, _: &[&Path]) -> io::Result<Capabilities> {
    Ok(Capabilities::default())
}

/// Finds out what the kernel supports, in a thread that ends with it.
pub fn probe() -> Capabilities {
    let probe = std::thread::Builder::new().name("probe".into()).spawn(|| {
        let nowhere = Path::new("/");
        enter(nowhere, &[]).unwrap_or_default()
    });
    probe
        .ok()
        .and_then(|probe| probe.join().ok())
        .unwrap_or_default()
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::File;
    use std::path::Path;

    use landlock::{
        ABI, Access, AccessFs, AccessNet, BitFlags, CompatLevel, Compatible, PathBeneath, PathFd,
        Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus, Scope,
    };

    /// Restricts access to files. Returns whether the kernel enforces it; older kernels support
    /// less.
    pub(super) fn restrict_files(folder: &File, read: &[&Path]) -> Result<bool, RulesetError> {
        const SUPPORTED_ABI: ABI = ABI::V6;
        let folder_rights = AccessFs::from_all(SUPPORTED_ABI) & !AccessFs::Execute;
        let status = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(SUPPORTED_ABI))?
            .handle_access(AccessNet::from_all(SUPPORTED_ABI))?
            .scope(Scope::from_all(SUPPORTED_ABI))?
            .create()?
            .add_rule(PathBeneath::new(folder, folder_rights))?
            .add_rules(read.iter().filter_map(|path| {
                // What cannot be opened here fails when it is read, with a better message.
                let file = PathFd::new(path).ok()?;
                let rights: BitFlags<AccessFs> = if path.is_dir() {
                    AccessFs::ReadFile | AccessFs::ReadDir
                } else {
                    AccessFs::ReadFile.into()
                };
                Some(Ok::<_, RulesetError>(PathBeneath::new(file, rights)))
            }))?
            .restrict_self()?;
        Ok(status.ruleset != RulesetStatus::NotEnforced)
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::fs::{self, File};
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::unix::net::UnixStream;
    use std::process::Command;

    use super::*;

    /// Runs a function on a restricted thread.
    fn run_restricted<T: Send>(
        folder: &Path,
        read: &[&Path],
        function: impl FnOnce(Capabilities) -> T + Send,
    ) -> T {
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| function(enter(folder, read).unwrap()));
            thread.join().unwrap()
        })
    }

    #[test]
    fn a_child_sees_what_it_may_read_and_its_folder_and_no_other_file() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("own");
        fs::create_dir(&folder).unwrap();
        let table = root.path().join("table");
        fs::write(&table, "rows").unwrap();
        let fonts = root.path().join("fonts");
        fs::create_dir(&fonts).unwrap();
        fs::write(fonts.join("font"), "glyphs").unwrap();
        let other = root.path().join("other");
        fs::write(&other, "secret").unwrap();

        run_restricted(&folder, &[&table, &fonts], |can| {
            assert_eq!(fs::read(&table).unwrap(), b"rows");
            assert_eq!(fs::read_dir(&fonts).unwrap().count(), 1);
            assert_eq!(fs::read(fonts.join("font")).unwrap(), b"glyphs");
            fs::write(folder.join("spill"), "x").unwrap();
            fs::remove_file(folder.join("spill")).unwrap();
            assert!(
                can.files,
                "this kernel has no landlock: the rest cannot be shown"
            );
            for path in [
                other.as_path(),
                Path::new("/etc/passwd"),
                Path::new("/proc/self/environ"),
            ] {
                assert!(File::open(path).is_err(), "{path:?}");
            }
            assert!(File::options().write(true).open(&table).is_err());
            assert!(fs::write(root.path().join("new"), "x").is_err());
            assert!(fs::write(fonts.join("new"), "x").is_err());
            assert!(fs::remove_file(&table).is_err());
            assert!(fs::rename(&table, folder.join("moved")).is_err());
        });
    }

    #[test]
    fn a_child_whose_folder_cannot_be_opened_does_not_enter() {
        let entered = std::thread::spawn(|| enter(Path::new("/nowhere"), &[]));
        let error = entered.join().unwrap().unwrap_err();
        let whose = lastcall_domain::Dependency::of_work_io(&error);
        assert_eq!(whose, Some(lastcall_domain::Dependency::Scratch));
    }

    #[test]
    fn a_child_opens_no_socket_and_starts_no_program_but_starts_threads() {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        run_restricted(folder.path(), &[], |can| {
            assert!(
                std::thread::Builder::new()
                    .spawn(|| ())
                    .unwrap()
                    .join()
                    .is_ok()
            );
            assert!(
                can.system_calls,
                "this kernel has no filters: the rest cannot be shown"
            );
            assert!(TcpStream::connect(address).is_err());
            assert!(UdpSocket::bind("127.0.0.1:0").is_err());
            assert!(UnixStream::pair().is_err());
            assert!(Command::new("/bin/true").spawn().is_err());
        });
    }
}
