//! A small disk of its own, which can be filled.

use std::fs::File;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// The disk; it is unmounted with its test.
pub(crate) struct Tmpfs(TempDir);

impl Tmpfs {
    /// A disk of so many MiB.
    ///
    /// # Panics
    /// Where the machine does not let it be mounted: that takes root, or a container with
    /// `CAP_SYS_ADMIN`.
    #[track_caller]
    pub(crate) fn new(mib: u32) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mib}m"), "tmpfs"])
            .arg(folder.path())
            .output()
            .expect("mount is there");
        assert!(
            mount.status.success(),
            "a small tmpfs cannot be mounted (run the tests as root): {}",
            String::from_utf8_lossy(&mount.stderr)
        );
        Self(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    fn filler(&self) -> PathBuf {
        self.path().join("filler")
    }

    /// Takes all the room that is left.
    #[track_caller]
    pub(crate) fn fill(&self) {
        let mut options = File::options();
        let filler = options.create(true).append(true).open(self.filler());
        let mut filler = filler.unwrap();
        for size in [1 << 20, 4096, 1] {
            let piece = vec![7; size];
            let full = loop {
                if let Err(error) = filler.write_all(&piece) {
                    break error;
                }
            };
            assert_eq!(full.kind(), ErrorKind::StorageFull);
        }
    }

    /// Gives it back.
    #[track_caller]
    pub(crate) fn empty(&self) {
        std::fs::remove_file(self.filler()).unwrap();
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        // Also while something that was not closed is open there.
        let unmounted = Command::new("umount").arg("-l").arg(self.path()).status();
        if !std::thread::panicking() {
            assert!(unmounted.unwrap().success());
        }
    }
}
