//! What one owner may have at once, over all processes on a store.

/// What one owner may have at once; `None` means no bound. A store enforces these bounds exactly,
/// even under concurrency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct OwnerLimits {
    /// Sessions that have neither expired nor been deleted.
    pub sessions: Option<u64>,
    /// Bytes of the datasets in such sessions.
    pub stored_bytes: Option<u64>,
    /// Queued jobs of all services.
    pub queued_jobs: Option<u64>,
    /// Jobs of all services that run, or were claimed to run next.
    pub running_jobs: Option<u64>,
}

impl OwnerLimits {
    /// How many more jobs an owner with `running` jobs may run; `u32::MAX` without a bound.
    pub fn free_slots(&self, running: impl FnOnce() -> u64) -> u32 {
        match self.running_jobs {
            Some(most) => u32::try_from(most.saturating_sub(running())).unwrap_or(u32::MAX),
            None => u32::MAX,
        }
    }

    /// Whether an owner with `others` bytes in other datasets may add a dataset. One that is not
    /// larger than the dataset it replaces always may.
    pub fn has_room_for(&self, bytes: u64, replaced: Option<u64>, others: u64) -> bool {
        let grows = replaced.is_none_or(|replaced| bytes > replaced);
        let most = self.stored_bytes.unwrap_or(u64::MAX);
        !grows || others.saturating_add(bytes) <= most
    }
}
