//! Free room on the local disks: below the minimum, nothing new is accepted.

use lastcall_domain::Disk;
use serde::Serialize;
use utoipa::ToSchema;

use crate::errors::Code;
use crate::problem::{ApiResult, Problem, ROOM_RETRY};
use crate::state::ApiState;

/// The free room on a disk.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Disk)]
pub(crate) struct DiskView {
    /// `store`, `blobs` or `scratch`. Two of them may share a disk.
    #[schema(example = "store")]
    name: &'static str,
    /// Free bytes.
    free_bytes: u64,
    /// `store.min_free`, in bytes.
    min_free_bytes: u64,
    /// Whether uploads and submissions are rejected for lack of room.
    low: bool,
}

impl From<&Disk> for DiskView {
    fn from(disk: &Disk) -> Self {
        Self {
            name: disk.name,
            free_bytes: disk.free,
            min_free_bytes: disk.min_free,
            low: disk.is_low(),
        }
    }
}

/// Requests in progress may use the disk down to this fraction of the minimum: what began above it
/// should not fail, but must not take the last space either.
const IN_PROGRESS_DIVISOR: u64 = 4;

/// Describes which disks are short of space; `None` if none is.
pub(crate) fn shortage(disks: &[Disk]) -> Option<String> {
    below(disks, Disk::is_low)
}

fn below(disks: &[Disk], is_low: impl Fn(&Disk) -> bool) -> Option<String> {
    let low = || disks.iter().filter(|disk| is_low(disk));
    let least = low().min_by_key(|disk| disk.free)?;
    let names: Vec<&str> = low().map(|disk| disk.name).collect();
    Some(format!(
        "the disk of {} has {} KiB free, less than the {} KiB of store.min_free",
        names.join(", "),
        least.free / 1024,
        least.min_free / 1024
    ))
}

impl ApiState {
    /// Fails if there is no room for something new.
    ///
    /// # Errors
    /// `insufficient_storage`.
    pub(crate) async fn has_room(&self) -> ApiResult<()> {
        refuse(shortage(&self.disks.disks().await))
    }

    /// Fails if there is no room for requests in progress.
    ///
    /// # Errors
    /// `insufficient_storage`.
    pub(crate) async fn has_room_to_go_on(&self) -> ApiResult<()> {
        let disks = self.disks.disks().await;
        refuse(below(&disks, |disk| {
            disk.free < disk.min_free / IN_PROGRESS_DIVISOR
        }))
    }
}

fn refuse(shortage: Option<String>) -> ApiResult<()> {
    match shortage {
        None => Ok(()),
        Some(shortage) => {
            let detail = format!("{shortage}; what is deleted or expires makes room");
            Err(Problem::new(Code::InsufficientStorage, detail).retry_after(ROOM_RETRY))
        }
    }
}
