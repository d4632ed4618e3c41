//! What one owner may have at once, in all processes on a store together.

/// What one owner may have at once; `None` is as much as there is room for. A store keeps to these
/// bounds exactly, whoever asks at the same time.
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
    /// How many more jobs an owner may run who runs so many; `u32::MAX` where there is no bound.
    pub fn free_slots(&self, running: impl FnOnce() -> u64) -> u32 {
        match self.running_jobs {
            Some(most) => u32::try_from(most.saturating_sub(running())).unwrap_or(u32::MAX),
            None => u32::MAX,
        }
    }

    /// Whether a dataset may come to an owner who has `others` bytes in other datasets. One that is
    /// not larger than what it takes the place of always may.
    pub fn has_room_for(&self, bytes: u64, replaced: Option<u64>, others: u64) -> bool {
        let grows = replaced.is_none_or(|replaced| bytes > replaced);
        let most = self.stored_bytes.unwrap_or(u64::MAX);
        !grows || others.saturating_add(bytes) <= most
    }
}
