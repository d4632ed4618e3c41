//! The port of the disks that the service writes to.

use async_trait::async_trait;

/// How much room there is for one part of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Disk {
    /// Whose disk: `store`, `blobs` or `scratch`. Two of them may share one.
    pub name: &'static str,
    /// Bytes that are free.
    pub free: u64,
    /// Bytes below which nothing new is accepted.
    pub min_free: u64,
}

impl Disk {
    /// Whether there is too little room to accept anything.
    pub fn is_low(&self) -> bool {
        self.free < self.min_free
    }
}

/// Says how much room there is.
#[async_trait]
pub trait DiskSpace: Send + Sync {
    /// The local disks, as of a moment ago. A disk that does not say is left out.
    async fn disks(&self) -> Vec<Disk>;
}
