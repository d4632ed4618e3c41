//! Free room on the local disks.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use lastcall_domain::{Disk, DiskSpace};
use rustix::fs::statvfs;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

use crate::config::Config;

/// A measurement is valid for as long as writers of this many bytes per second would need to reach
/// the minimum, within these bounds.
const FASTEST_WRITERS: f64 = 4e9;
const MIN_FRESH: Duration = Duration::from_millis(5);
const MAX_FRESH: Duration = Duration::from_millis(500);
/// How long a disk may take to respond.
const MEASURE_TIMEOUT: Duration = Duration::from_secs(1);

/// The folders that the service writes to.
pub(super) struct LocalDisks {
    folders: Vec<(&'static str, PathBuf)>,
    min_free: u64,
    last: Mutex<Last>,
}

/// The last measurement.
#[derive(Default)]
struct Last {
    measured_at: Option<Instant>,
    disks: Vec<Disk>,
    /// A measurement that has not completed.
    pending: Option<JoinHandle<Vec<Disk>>>,
}

impl LocalDisks {
    /// The disks of this configuration: those of PostgreSQL or a bucket are not among them.
    pub(super) fn new(config: &Config, scratch: &Path) -> Self {
        let store = config.sqlite_folder().map(|folder| ("store", folder));
        let blobs = config.blobs_url.strip_prefix("file://");
        let blobs = blobs.map(|folder| ("blobs", PathBuf::from(folder)));
        let scratch = ("scratch", scratch.to_owned());
        Self {
            folders: store.into_iter().chain(blobs).chain([scratch]).collect(),
            min_free: config.store_min_free,
            last: Mutex::default(),
        }
    }
}

#[async_trait]
impl DiskSpace for LocalDisks {
    async fn disks(&self) -> Vec<Disk> {
        let mut last = self.last.lock().await;
        if last
            .measured_at
            .is_some_and(|measured_at| measured_at.elapsed() < fresh(&last.disks))
        {
            return last.disks.clone();
        }
        // A hung disk blocks one thread, however often it is measured and whoever gives up.
        if last.pending.is_none() {
            let (folders, min_free) = (self.folders.clone(), self.min_free);
            let begin = || tokio::task::spawn_blocking(move || measure(&folders, min_free));
            // It panics if no thread can be started. The room is then unknown.
            last.pending = catch_unwind(AssertUnwindSafe(begin)).ok();
        }
        let measured = match &mut last.pending {
            Some(pending) => timeout(MEASURE_TIMEOUT, pending).await.ok(),
            None => None,
        };
        match measured {
            Some(disks) => {
                last.pending = None;
                last.disks = disks.unwrap_or_default();
            }
            None => last.disks.clear(),
        }
        last.measured_at = Some(Instant::now());
        last.disks.clone()
    }
}

/// How long this measurement is valid.
fn fresh(disks: &[Disk]) -> Duration {
    let above = disks.iter().map(|disk| disk.free.abs_diff(disk.min_free));
    let nearest = above.min().unwrap_or(u64::MAX);
    let seconds = nearest as f64 / FASTEST_WRITERS;
    Duration::try_from_secs_f64(seconds)
        .map_or(MAX_FRESH, |fresh| fresh.clamp(MIN_FRESH, MAX_FRESH))
}

fn measure(folders: &[(&'static str, PathBuf)], min_free: u64) -> Vec<Disk> {
    let disk = |(name, folder): &(&'static str, PathBuf)| {
        let room = statvfs(folder).ok()?;
        Some(Disk {
            name,
            free: room.f_bavail.saturating_mul(room.f_frsize),
            min_free,
        })
    };
    folders.iter().filter_map(disk).collect()
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[test]
    fn the_nearer_to_the_minimum_the_shorter_a_measurement_is_valid() {
        let at = |free| {
            fresh(&[Disk {
                name: "blobs",
                free,
                min_free: 1 << 28,
            }])
        };
        assert_eq!(at(1 << 40), MAX_FRESH);
        assert_eq!(at(1 << 28), MIN_FRESH);
        assert!(at((1 << 28) + 100_000_000) <= Duration::from_millis(25));
        assert_eq!(fresh(&[]), MAX_FRESH);
    }

    #[test]
    fn a_hung_disk_is_not_measured_again_while_a_measurement_is_pending() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(async {
            let disks = LocalDisks {
                folders: Vec::new(),
                min_free: 0,
                last: Mutex::default(),
            };
            let (answer, hangs) = std::sync::mpsc::channel::<()>();
            disks.last.lock().await.pending = Some(tokio::task::spawn_blocking(move || {
                let _ = hangs.recv();
                Vec::new()
            }));
            assert!(disks.disks().now_or_never().is_none());
            assert!(disks.last.lock().await.pending.is_some());
            drop(answer);
            disks.disks().await;
            assert!(disks.last.lock().await.pending.is_none());
        });
    }
}
