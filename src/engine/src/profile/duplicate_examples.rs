//! Examples of duplicate rows.

use hashbrown::HashMap;
use lastcall_domain::profile::DuplicateRow;

use super::sample::KeptRow;
use crate::batch::Batch;
use crate::parse::Kind;

/// How many examples there are.
const EXAMPLES: usize = 5;
/// How many of the first distinct rows are watched for duplicates: more would not fit the caches.
const WATCHED: usize = 16_384;
/// The logarithm of the size of the Bloom filter over the watched rows, in bits.
const LOG2_FILTER_BITS: u32 = 18;

/// Finds rows that repeat one of the first rows.
pub(super) struct DuplicateExamples {
    seen: u64,
    watched: HashMap<u64, u64, foldhash::fast::FixedState>,
    filter: Vec<u64>,
    found: Vec<(u64, u64, KeptRow)>,
}

impl DuplicateExamples {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seen: 0,
            watched: HashMap::with_hasher(foldhash::fast::FixedState::with_seed(seed)),
            filter: vec![0; 1 << (LOG2_FILTER_BITS - 6)],
            found: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, batch: &Batch) {
        let before = self.seen;
        self.seen += batch.rows as u64;
        for (row, &hash) in batch.row_hashes.iter().enumerate() {
            if self.found.len() == EXAMPLES {
                return;
            }
            let bit = hash >> (64 - LOG2_FILTER_BITS);
            let (word, bit) = ((bit / 64) as usize, 1 << (bit % 64));
            let number = before + row as u64 + 1;
            if self.filter[word] & bit != 0
                && let Some(&first) = self.watched.get(&hash)
            {
                // Each row is an example once.
                if self.found.iter().all(|(other, ..)| *other != hash) {
                    let example = KeptRow::of(batch, row, number);
                    self.found.push((hash, first, example));
                }
            } else if self.watched.len() < WATCHED {
                self.watched.insert(hash, number);
                self.filter[word] |= bit;
            }
        }
    }

    pub(super) fn finish(self, kinds: &[Kind]) -> Vec<DuplicateRow> {
        let found = self.found.into_iter();
        found
            .map(|(_, first, example)| DuplicateRow {
                first,
                row: example.row,
                cells: example.shown(kinds),
            })
            .collect()
    }
}
