//! The port of the disks that the service writes to.

use async_trait::async_trait;

/// The free space of one part of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    /// The part: `store`, `blobs` or `scratch`. Two of them may share a disk.
    pub name: &'static str,
    /// Bytes that are free.
    pub free: u64,
    /// The least free bytes; below that, nothing new is accepted.
    pub min_free: u64,
}

impl Disk {
    /// Whether the free space is below the minimum.
    pub fn is_low(&self) -> bool {
        self.free < self.min_free
    }
}

/// Measures the free space.
#[async_trait]
pub trait DiskSpace: Send + Sync {
    /// The local disks, recently measured. A disk that does not respond is omitted.
    async fn disks(&self) -> Vec<Disk>;
}
