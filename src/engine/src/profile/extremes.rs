//! The smallest and the largest value.

/// The smallest and the largest key.
#[derive(Clone, Copy)]
pub(super) struct Extremes {
    pub(super) min: u64,
    pub(super) max: u64,
}

impl Extremes {
    /// Of no value.
    pub(super) const NONE: Self = Self {
        min: u64::MAX,
        max: 0,
    };

    pub(super) fn extend(&mut self, keys: &[u64]) {
        for &key in keys {
            self.min = self.min.min(key);
            self.max = self.max.max(key);
        }
    }
}
