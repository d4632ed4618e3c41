//! Counts for operators, and notifications between processes on a store.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::{JobId, Service};

/// The numbers of unfinished jobs of a service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobCounts {
    /// Waiting.
    pub queued: u64,
    /// Running, in this process or another.
    pub running: u64,
}

/// Counts for the operator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreCounts {
    /// Unfinished jobs by service.
    pub jobs: BTreeMap<Service, JobCounts>,
    /// Sessions that have not been removed.
    pub sessions: u64,
}

/// What the processes on a shared store know about their blob store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobStoreMark {
    /// No other process can have the store open.
    NotNeeded,
    /// It has none yet: the caller must write this one, and then confirm it.
    Write(uuid::Uuid),
    /// Another process is writing it.
    Pending,
    /// It has this one.
    Known(uuid::Uuid),
}

/// The largest difference between the clocks of a machine and its database that is not reported.
pub const CLOCK_TOLERANCE: TimeDelta = TimeDelta::seconds(1);

/// The message about a larger difference; `None` if it is tolerated.
pub fn clock_difference(offset: TimeDelta) -> Option<String> {
    let apart = offset.abs();
    if apart <= CLOCK_TOLERANCE {
        return None;
    }
    let way = if offset > TimeDelta::zero() {
        "behind"
    } else {
        "ahead of"
    };
    Some(format!(
        "the clock of this machine is {} ms {way} that of the database, which decides when sessions \
         and leases end: set it",
        apart.num_milliseconds()
    ))
}

/// Something that another process has done. A hint: it may be lost, and the rows have the same
/// information.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// Jobs of this service were queued.
    Queued(Service),
    /// This job has changed.
    Changed(JobId),
}
