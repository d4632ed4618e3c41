//! Recognises a changed file.

use std::path::Path;
use std::time::SystemTime;

/// Identifies one version of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId {
    device_and_inode: (u64, u64),
    length: u64,
    modified: Option<SystemTime>,
}

pub(super) fn identify(file: &Path) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt as _;
    let metadata = std::fs::metadata(file).ok()?;
    Some(FileId {
        device_and_inode: (metadata.dev(), metadata.ino()),
        length: metadata.len(),
        modified: metadata.modified().ok(),
    })
}
