//! A file that appears under its name complete and durable, or not at all.
//!
//! `object_store`'s own writer renames without an fsync, so that a power cut may leave an empty
//! file under the name; this one syncs the file before it gets its name, and the folder afterwards.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use lastcall_domain::{BlobResult, BlobWriter};
use tokio::fs::File;
use tokio::io::AsyncWriteExt;

use super::io;
use super::root::{Root, place};

/// Bytes that are buffered before they are written, because each write is a hop to another thread.
const WRITE_BUFFER: usize = 512 * 1024;

/// A file being written beside its final name. Dropping it removes it.
#[derive(Debug)]
pub(super) struct Staged {
    root: Root,
    target: PathBuf,
    staging: RemoveOnDrop,
    file: File,
    gathered: BytesMut,
}

/// A path whose file is removed on drop, unless that was cancelled.
#[derive(Debug)]
struct RemoveOnDrop(Option<PathBuf>);

impl Drop for RemoveOnDrop {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // What is left is removed with the session.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Staged {
    /// Begins the file `target` below `root`.
    pub(super) async fn begin(root: &Root, target: PathBuf) -> BlobResult<Self> {
        root.make_folder_of(&target).await?;
        let staging = staging_name(&target);
        let mut options = tokio::fs::OpenOptions::new();
        let file = options.write(true).create_new(true).open(&staging).await;
        Ok(Self {
            root: root.clone(),
            target,
            file: file.map_err(|error| place(&error))?,
            staging: RemoveOnDrop(Some(staging)),
            gathered: BytesMut::new(),
        })
    }

    async fn flush(&mut self) -> BlobResult<()> {
        let gathered = self.gathered.split();
        let written = self.file.write_all(&gathered).await;
        written.map_err(|error| io(&error))
    }
}

#[async_trait]
impl BlobWriter for Staged {
    async fn write(&mut self, bytes: Bytes) -> BlobResult<()> {
        self.gathered.extend_from_slice(&bytes);
        if self.gathered.len() >= WRITE_BUFFER {
            self.flush().await?;
        }
        Ok(())
    }

    async fn finish(mut self: Box<Self>) -> BlobResult<()> {
        self.flush().await?;
        self.file.flush().await.map_err(|error| io(&error))?;
        self.file.sync_all().await.map_err(|error| io(&error))?;
        let Some(staging) = self.staging.0.clone() else {
            return Ok(());
        };
        install(&staging, &self.target, &self.root).await?;
        self.staging.0 = None;
        Ok(())
    }

    async fn abort(self: Box<Self>) {}
}

/// Moves a file to its name below `root`, or copies it from another disk. The file is gone
/// afterwards. An existing file of that name stays, because somebody may be about to read exactly
/// that file. It may come from an earlier call that was interrupted, so it is synced here.
pub(super) async fn install_file(file: &Path, target: PathBuf, root: &Root) -> BlobResult<()> {
    root.make_folder_of(&target).await?;
    let source = match File::open(file).await {
        Ok(source) => source,
        Err(error) if error.kind() == ErrorKind::NotFound && is_there(&target).await => {
            return sync_folders(&target, root).await;
        }
        Err(error) => return Err(io(&error)),
    };
    source.sync_all().await.map_err(|error| io(&error))?;
    match tokio::fs::hard_link(file, &target).await {
        Ok(()) => sync_folders(&target, root).await?,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            sync_folders(&target, root).await?
        }
        Err(error) if error.kind() == ErrorKind::CrossesDevices => {
            let mut copy = Staged::begin(root, target).await?;
            let mut source = source;
            let copied = tokio::io::copy(&mut source, &mut copy.file).await;
            copied.map_err(|error| io(&error))?;
            Box::new(copy).finish().await?;
        }
        // The file system has no hard links.
        Err(_) => return install(file, &target, root).await,
    }
    let removed = tokio::fs::remove_file(file).await;
    removed.map_err(|error| io(&error))
}

async fn is_there(target: &Path) -> bool {
    tokio::fs::try_exists(target).await.unwrap_or(false)
}

async fn install(staging: &Path, target: &Path, root: &Root) -> BlobResult<()> {
    let renamed = tokio::fs::rename(staging, target).await;
    renamed.map_err(|error| place(&error))?;
    sync_folders(target, root).await
}

/// Syncs the folders from the file's up to `root`, each of which may be new.
async fn sync_folders(target: &Path, root: &Root) -> BlobResult<()> {
    for folder in target.ancestors().skip(1) {
        let flushed = async { File::open(folder).await?.sync_all().await };
        flushed.await.map_err(|error| place(&error))?;
        if folder == root.path() {
            break;
        }
    }
    Ok(())
}

/// The temporary name beside `target`. It has the prefix of what is derived from the target, so it
/// is removed with it.
fn staging_name(target: &Path) -> PathBuf {
    let mut name = target.as_os_str().to_owned();
    name.push(format!(".part-{}", uuid::Uuid::now_v7()));
    PathBuf::from(name)
}
