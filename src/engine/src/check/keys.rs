//! Sets of keys in bounded memory.
//!
//! Keys are hashes of 128 bits: among a hundred million keys, the probability of a collision is
//! 10⁻²³.

use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};

use foldhash::quality::RandomState;

use super::cell::{Cell, Column};
use crate::batch::Batch;

/// The separator between the parts of a key, which does not occur in UTF-8.
const BETWEEN: u8 = 0xff;
/// The size of a slot of the set, in bytes.
const SLOT: usize = 17;

/// A set of keys.
#[derive(Debug)]
pub(super) struct KeySet {
    keys: HashSet<u128, BuildHasherDefault<FirstBits>>,
    budget: usize,
    exhausted: bool,
    /// The hashers of the halves of a key, with random seeds.
    halves: [RandomState; 2],
}

impl KeySet {
    pub(super) fn new(budget: usize) -> Self {
        Self {
            keys: HashSet::default(),
            budget,
            exhausted: false,
            halves: [RandomState::default(), RandomState::default()],
        }
    }

    /// The key of a row in this set; `None` if a part is missing.
    pub(super) fn key(
        &self,
        columns: &[Column],
        batch: &Batch,
        row: usize,
        buffer: &mut Vec<u8>,
    ) -> Option<u128> {
        buffer.clear();
        for (i, column) in columns.iter().enumerate() {
            if i > 0 {
                buffer.push(BETWEEN);
            }
            match column.cell(batch, row) {
                Cell::Missing => return None,
                cell => cell.write(buffer),
            }
        }
        let [high, low] = self.halves.each_ref().map(|half| {
            let mut hasher = half.build_hasher();
            hasher.write(buffer);
            u128::from(hasher.finish())
        });
        Some(high << 64 | low)
    }

    /// Inserts a key; returns whether it is new. Beyond the budget, the set is cleared for good.
    pub(super) fn insert(&mut self, key: u128) -> bool {
        if self.exhausted {
            return true;
        }
        if self.keys.len() == self.keys.capacity() {
            // While the table grows, the old slots exist next to twice as many new ones.
            let places = (self.keys.capacity().max(8) * 8 / 7).next_power_of_two();
            if 3 * places * SLOT > self.budget {
                self.exhausted = true;
                self.keys = HashSet::default();
                return true;
            }
        }
        self.keys.insert(key)
    }

    pub(super) fn contains(&self, key: u128) -> bool {
        self.keys.contains(&key)
    }

    pub(super) fn is_exhausted(&self) -> bool {
        self.exhausted
    }
}

/// A hasher for keys that are already hashes.
#[derive(Debug, Default)]
struct FirstBits(u64);

impl Hasher for FirstBits {
    fn write(&mut self, bytes: &[u8]) {
        for (at, byte) in bytes.iter().take(8).enumerate() {
            self.0 |= u64::from(*byte) << (8 * at);
        }
    }

    fn write_u128(&mut self, key: u128) {
        self.0 = key as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_beyond_its_budget_says_so_and_holds_nothing() {
        let mut keys = KeySet::new(64 << 10);
        for key in 0..100_000_u128 {
            let spread = key.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c834);
            assert!(keys.insert(spread));
        }
        assert!(keys.is_exhausted());
        assert_eq!(keys.keys.capacity(), 0);
        let mut few = KeySet::new(64 << 10);
        assert!(few.insert(7) && !few.insert(7) && few.contains(7));
    }
}
