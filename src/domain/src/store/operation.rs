//! Counts for operators, and notifications between processes on a store.

use std::collections::BTreeMap;

use chrono::TimeDelta;

use crate::{JobId, Service};

/// How many jobs of a service are where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobCounts {
    /// Waiting.
    pub queued: u64,
    /// In a worker's hand, in this process or another.
    pub running: u64,
}

/// Figures for the operator.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreCounts {
    /// Unfinished jobs by service.
    pub jobs: BTreeMap<Service, JobCounts>,
    /// Sessions that have not been removed.
    pub sessions: u64,
}

/// What the processes that share a store know of the blob store that they share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobStoreMark {
    /// No other process can have the store open.
    NotNeeded,
    /// It carries none yet: the caller is to write this one, and then to confirm it.
    Write(uuid::Uuid),
    /// Another process is writing it.
    Pending,
    /// It carries this one.
    Known(uuid::Uuid),
}

/// The clocks of a machine and of its database may be so far apart before it is said.
pub const CLOCK_TOLERANCE: TimeDelta = TimeDelta::seconds(1);

/// What is said where they are further apart; `None` where they are not.
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

/// Something that another process has done. A hint: it may be lost, and what it says is in
/// the rows anyway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hint {
    /// Jobs of this service were queued.
    Queued(Service),
    /// This job has changed.
    Changed(JobId),
}
