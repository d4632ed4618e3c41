//! Probes of the dependencies of work.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use lastcall_child::start_and_end;
use lastcall_domain::store::Store;
use lastcall_domain::{BlobKey, BlobResult, Blobs, Dependency, Environment};

/// Bytes that a probe writes: about the size of a result that goes into a blob. On a disk with less
/// room than this, the next result would fail as the last one did.
const PROBE_BYTES: usize = 1 << 20;
/// File descriptors that a probe opens: about what one attempt needs.
const PROBE_FILES: usize = 16;
/// Threads that a probe starts: about what one attempt needs, the process of a query included.
const PROBE_THREADS: usize = 16;
/// Their stacks, in bytes.
const STACK: usize = 2 << 20;

/// Probes the database, the blob store, the disk for temporary files, the file descriptors, and the
/// threads.
pub(crate) struct Parts {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) blobs: Arc<dyn Blobs>,
    pub(crate) scratch: PathBuf,
    /// The key of the blob that probes write: always the same, so that however often the blob store
    /// fails between the write and the removal, at most one is left.
    pub(crate) probe: BlobKey,
}

#[async_trait]
impl Environment for Parts {
    async fn probe(&self, dependency: Dependency) -> Result<(), String> {
        match dependency {
            Dependency::Store => self.store.ping().await.map_err(text),
            Dependency::Blobs => self.blobs().await.map_err(text),
            Dependency::Scratch => {
                let scratch = self.scratch.clone();
                on_a_thread(move || write_and_remove(&scratch)).await
            }
            Dependency::FileDescriptors => on_a_thread(open_files).await,
            Dependency::Threads => on_a_thread(|| start_and_end(PROBE_THREADS, STACK)).await,
        }
    }
}

impl Parts {
    async fn blobs(&self) -> BlobResult<()> {
        self.blobs.ping().await?;
        let key = &self.probe;
        let put = self
            .blobs
            .put(key, Bytes::from_static(&[0; PROBE_BYTES]))
            .await;
        let seen = match put {
            Ok(()) => self.blobs.exists(key).await.map(|_| ()),
            Err(error) => Err(error),
        };
        let deleted = self.blobs.delete(key).await;
        seen.and(deleted)
    }
}

fn write_and_remove(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    // Removed with the last descriptor.
    let mut file = tempfile::tempfile_in(folder)?;
    file.write_all(&vec![0; PROBE_BYTES])?;
    file.sync_data()
}

fn open_files() -> io::Result<()> {
    let files: io::Result<Vec<File>> = (0..PROBE_FILES)
        .map(|_| File::open(Path::new("/dev/null")))
        .collect();
    files.map(drop)
}

/// Runs on one of the runtime's own threads, because the compute threads may all be waiting for the
/// dependency.
async fn on_a_thread(
    probe: impl FnOnce() -> io::Result<()> + Send + 'static,
) -> Result<(), String> {
    match tokio::task::spawn_blocking(probe).await {
        Ok(probed) => probed.map_err(text),
        Err(error) => Err(text(error)),
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use lastcall_domain::{Fault, Limits, MemoryBlobs, MemoryStore, SystemClock};

    use super::*;

    #[tokio::test]
    async fn probes_leave_one_blob_at_most() {
        let blobs = MemoryBlobs::new();
        let parts = Parts {
            store: Arc::new(MemoryStore::new(Arc::new(SystemClock), Limits::default())),
            blobs: Arc::new(blobs.clone()),
            scratch: PathBuf::new(),
            probe: BlobKey::probe(),
        };
        for _ in 0..3 {
            // The ping, the write and the check succeed, and the removal fails.
            blobs.faults().pass_next(3);
            blobs.faults().fail_next(1, Fault::Before);
            assert!(parts.probe(Dependency::Blobs).await.is_err());
            assert_eq!(blobs.keys().len(), 1);
        }
        assert_eq!(parts.probe(Dependency::Blobs).await, Ok(()));
        assert!(blobs.keys().is_empty());
    }

    #[test]
    fn a_probe_of_a_folder_leaves_nothing_and_makes_the_folder_again() {
        let scratch = tempfile::tempdir().unwrap();
        let folder = scratch.path().join("tmp");
        write_and_remove(&folder).unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        let file = scratch.path().join("file");
        File::create(&file).unwrap();
        assert!(write_and_remove(&file).is_err());
        open_files().unwrap();
    }
}
