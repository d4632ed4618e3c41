//! A file beside the database that reserves disk space. Half of it is released whenever the disk is
//! full and something must be removed, because removals need space, too; it is restored once there
//! is enough.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::fs::statvfs;

/// Its largest and smallest size, in bytes, and its fraction of the whole disk.
const MAX_SIZE: u64 = 8 << 20;
const MIN_SIZE: u64 = 1 << 20;
const DISK_FRACTION: u64 = 32;
/// With less than this free, in bytes, a start fails.
const MIN_FREE: u64 = 1 << 20;
/// How often to check whether it can be restored.
const CHECK_INTERVAL: Duration = Duration::from_millis(500);
/// Below this size, in bytes, it is released as a whole.
const MIN_REST: u64 = 64 << 10;

/// The file, and whether somebody needs its space.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    folder: PathBuf,
    needed: AtomicBool,
}

/// The time of the last check, kept by the writer.
#[derive(Debug, Default)]
pub(super) struct Upkeep(Option<Instant>);

impl Reserve {
    /// The reserve of the database at `path`.
    pub(super) fn beside(path: &Path) -> Self {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let folder = path.parent().unwrap_or(Path::new("/")).to_owned();
        let mut name = path.into_os_string();
        name.push("-reserve");
        Self {
            path: name.into(),
            folder,
            needed: AtomicBool::new(false),
        }
    }

    /// Asks the writer to release a part of it.
    pub(super) fn need(&self) {
        self.needed.store(true, Ordering::Release);
    }

    /// Whether a part of it must be released now.
    pub(super) fn take_need(&self) -> bool {
        self.needed.swap(false, Ordering::AcqRel)
    }

    /// Releases half of it, or what is left.
    pub(super) fn release(&self) {
        let there = self.size();
        if there == 0 {
            return;
        }
        let released = if there < MIN_REST {
            std::fs::remove_file(&self.path)
        } else {
            self.cut(there / 2)
        };
        let path = self.path.display();
        match released {
            Ok(()) => log::warn!(
                "the disk of the database is full: {path} gives up room, so that something can \
                 be removed"
            ),
            Err(error) => log::warn!("cannot release {path}: {error}"),
        }
    }

    /// Releases a part of it if the disk is nearly full.
    pub(super) fn release_if_full(&self) {
        if self.room().is_some_and(|(free, _)| free < MIN_FREE) {
            self.release();
        }
    }

    /// Restores it if there is enough free space.
    pub(super) fn keep(&self, upkeep: &mut Upkeep) {
        if upkeep.0.is_some_and(|last| last.elapsed() < CHECK_INTERVAL) {
            return;
        }
        upkeep.0 = Some(Instant::now());
        let Some((free, total)) = self.room() else {
            return;
        };
        let size = (total / DISK_FRACTION).clamp(MIN_SIZE, MAX_SIZE);
        let there = self.size();
        if there >= size || free < 2 * size {
            return;
        }
        if let Err(error) = self.make(size) {
            log::debug!("no room is reserved beside the database: {error}");
            // What was written may be a sparse file.
            if let Err(error) = self.cut(there) {
                log::debug!("{}: {error}", self.path.display());
            }
        }
    }

    fn size(&self) -> u64 {
        self.path.metadata().map_or(0, |meta| meta.len())
    }

    fn cut(&self, size: u64) -> std::io::Result<()> {
        File::options().write(true).open(&self.path)?.set_len(size)
    }

    fn make(&self, size: u64) -> std::io::Result<()> {
        let mut options = File::options();
        options.write(true).create(true).truncate(false);
        let file = options.open(&self.path)?;
        allocate(&file, size)
    }

    /// Free and total bytes.
    fn room(&self) -> Option<(u64, u64)> {
        let disk = statvfs(&self.folder).ok()?;
        let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
        Some((bytes(disk.f_bavail), bytes(disk.f_blocks)))
    }
}

#[cfg(target_os = "linux")]
fn allocate(file: &File, size: u64) -> std::io::Result<()> {
    use rustix::fs::{FallocateFlags, fallocate};
    fallocate(file, FallocateFlags::empty(), 0, size).map_err(std::io::Error::from)
}

/// Written out, because a sparse file reserves no space.
#[cfg(not(target_os = "linux"))]
fn allocate(mut file: &File, size: u64) -> std::io::Result<()> {
    use std::io::Write as _;
    let zeros = vec![0; 1 << 20];
    for _ in 0..size.div_ceil(1 << 20) {
        file.write_all(&zeros)?;
    }
    file.sync_all()
}
