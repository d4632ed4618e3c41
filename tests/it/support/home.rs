//! The folder of a service, which outlives it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use tempfile::TempDir;

use super::Service;
use super::service::Builder;

/// The folder of one store: runs that follow each other share it.
#[derive(Clone)]
pub(crate) struct Home(Arc<TempDir>);

impl Home {
    pub(crate) fn new() -> Self {
        Self(Arc::new(tempfile::tempdir().unwrap()))
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    /// A service on this folder, with embedded parts, on a free port, that has no balancer to
    /// wait for.
    pub(crate) fn service(&self) -> Builder {
        Builder::new(self.clone())
            .set("server.bind", "127.0.0.1:0")
            .set("store.url", self.store_url())
            .set("blobs.url", self.blobs_url())
            .set("shutdown.lame_duck", "0s")
    }

    /// Such a service, ready.
    #[track_caller]
    pub(crate) fn start(&self) -> Service {
        self.service().start()
    }

    pub(crate) fn store_url(&self) -> String {
        format!("sqlite://{}/lastcall.db", self.path().display())
    }

    pub(crate) fn blobs_url(&self) -> String {
        format!("file://{}/blobs", self.path().display())
    }

    /// The files in the blob folder.
    pub(crate) fn blobs(&self) -> Vec<PathBuf> {
        files(&self.path().join("blobs"))
    }

    /// The files in the scratch folder.
    pub(crate) fn scratch(&self) -> Vec<PathBuf> {
        files(&self.path().join("scratch"))
    }

    /// The report of the last shutdown.
    #[track_caller]
    pub(crate) fn report(&self) -> Value {
        let file = self.path().join("shutdown-report.json");
        let text = std::fs::read(&file).expect("there is a shutdown report");
        serde_json::from_slice(&text).expect("the shutdown report is JSON")
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for entry in entries.flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => found.extend(files(&entry.path())),
            // Locks of folders, of the sweep of scratch folders and of shared blobs.
            _ if ["lock", ".sweep", ".lastcall-store"]
                .iter()
                .any(|mark| entry.file_name() == *mark) => {}
            _ => found.push(entry.path()),
        }
    }
    found
}
