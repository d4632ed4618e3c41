//! The smallest and the largest value.

use crate::keys::Key;

/// The smallest and the largest key.
#[derive(Clone, Copy)]
pub(super) struct Extremes<K = u64> {
    pub(super) min: K,
    pub(super) max: K,
}

impl<K: Key> Extremes<K> {
    /// The identity of `extend`.
    pub(super) const NONE: Self = Self {
        min: K::ENDS.1,
        max: K::ENDS.0,
    };

    pub(super) fn extend(&mut self, keys: &[K]) {
        for &key in keys {
            self.min = self.min.min(key);
            self.max = self.max.max(key);
        }
    }
}
