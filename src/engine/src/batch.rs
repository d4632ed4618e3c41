//! Some rows, column by column, read and typed: what parsers hand to the figures.

use foldhash::quality::FixedState;
use std::hash::{BuildHasher, Hasher};

use crate::cell::Kinds;

/// Rows in a row of the data, as columns.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) rows: usize,
    pub(crate) columns: Vec<ColumnBatch>,
    /// One hash per row over all its cells, for finding duplicates.
    pub(crate) row_hashes: Vec<u64>,
    /// Columns that were not planned, in the order of their appearance.
    pub(crate) more: Vec<(String, Kinds)>,
    pub(crate) notes: Notes,
}

/// What was odd about the rows of a batch.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Rows with too few or too many cells.
    pub(crate) ragged: u64,
    /// The first of them: line, cells.
    pub(crate) ragged_first: Vec<(u64, usize)>,
    /// Bytes that are not text in the encoding of the dataset.
    pub(crate) replaced: u64,
    /// The lines of the first of them.
    pub(crate) replaced_first: Vec<u64>,
    /// Characters beyond ASCII that are text.
    pub(crate) beyond_ascii: bool,
}

/// How many places of an oddity are named.
pub(crate) const PLACES_NAMED: usize = 10;

/// The cells of one column.
#[derive(Debug)]
pub(crate) struct ColumnBatch {
    pub(crate) values: Values,
    pub(crate) missing: Missing,
    /// What all cells together may be read as.
    pub(crate) kinds: Kinds,
    /// Every cell could be read as the kind that was assumed.
    pub(crate) fits: bool,
    /// In a column of text: cells that would read as something else.
    pub(crate) typed: u64,
    /// In a column of text: cells of digits that stand for themselves.
    pub(crate) identifiers: u64,
}

/// The values, one per row; where a cell is missing the value means nothing.
#[derive(Debug)]
pub(crate) enum Values {
    /// Integers, days and microseconds since 1970, and booleans as 0 and 1.
    Integers(Vec<i64>),
    Floats(Vec<f64>),
    Text(Texts),
}

impl Values {
    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Integers(values) => values.len(),
            Self::Floats(values) => values.len(),
            Self::Text(texts) => texts.len(),
        }
    }
}

/// Which rows of a column are missing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Missing {
    rows: usize,
    count: usize,
    /// One bit per row, set where the cell is missing; empty while none is.
    bits: Vec<u64>,
}

impl Missing {
    #[inline]
    pub(crate) fn push(&mut self, missing: bool) {
        if missing {
            self.mark(self.rows);
        }
        self.rows += 1;
    }

    fn mark(&mut self, row: usize) {
        let word = row / 64;
        self.bits.resize(word + 1, 0);
        self.bits[word] |= 1 << (row % 64);
        self.count += 1;
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    #[inline]
    pub(crate) fn at(&self, row: usize) -> bool {
        self.count > 0
            && self
                .bits
                .get(row / 64)
                .is_some_and(|word| word >> (row % 64) & 1 == 1)
    }
}

/// Strings in one buffer.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    bytes: Vec<u8>,
    ends: Vec<u32>,
    hashes: Vec<u64>,
}

/// Fixed keys, so that estimates made from hashes are the same in every run.
const TEXT_HASH: FixedState = FixedState::with_seed(0x5171_1c4e_9d2b_6a37);

#[inline]
pub(crate) fn hash_text(text: &[u8]) -> u64 {
    // The length is part of what `write` hashes.
    let mut hasher = TEXT_HASH.build_hasher();
    hasher.write(text);
    hasher.finish()
}

impl Texts {
    pub(crate) fn with_capacity(rows: usize) -> Self {
        Self {
            bytes: Vec::with_capacity(rows * 8),
            ends: Vec::with_capacity(rows),
            hashes: Vec::with_capacity(rows),
        }
    }

    pub(crate) fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.end());
        self.hashes.push(hash_text(text));
    }

    pub(crate) fn push_missing(&mut self) {
        self.ends.push(self.end());
        self.hashes.push(0);
    }

    /// Batches are far smaller than 4 GiB; a larger one would lose its text, not its memory.
    fn end(&self) -> u32 {
        u32::try_from(self.bytes.len()).unwrap_or(u32::MAX)
    }

    /// Whether every character is one byte.
    pub(crate) fn is_ascii(&self) -> bool {
        self.bytes.is_ascii()
    }

    pub(crate) fn hashes(&self) -> &[u64] {
        &self.hashes
    }

    #[inline]
    pub(crate) fn get(&self, row: usize) -> &[u8] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.bytes[start as usize..self.ends[row] as usize]
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }
}

/// Folds the cells of a column into the hashes of their rows.
pub(crate) fn hash_rows(column: &ColumnBatch, rows: &mut [u64]) {
    const MISSING: u64 = 0x9ae1_6a3b_2f90_404f;
    let missing = &column.missing;
    let fold = |hash: &mut u64, row: usize, key: u64| {
        *hash = fold_hash(*hash, if missing.at(row) { MISSING } else { key });
    };
    match &column.values {
        Values::Integers(values) => {
            for (row, (hash, &value)) in rows.iter_mut().zip(values).enumerate() {
                fold(hash, row, value as u64);
            }
        }
        Values::Floats(values) => {
            for (row, (hash, &value)) in rows.iter_mut().zip(values).enumerate() {
                // Both zeros are one value.
                fold(hash, row, (value + 0.0).to_bits());
            }
        }
        Values::Text(texts) => {
            for (row, (hash, &key)) in rows.iter_mut().zip(&texts.hashes).enumerate() {
                fold(hash, row, key);
            }
        }
    }
}

/// One step of a multiply-and-fold hash.
#[inline]
fn fold_hash(state: u64, key: u64) -> u64 {
    const A: u64 = 0x2d35_8dcc_aa6c_78a5;
    const B: u64 = 0x8bb8_4b93_962e_acc9;
    let product = u128::from(state ^ A) * u128::from(key ^ B);
    ((product as u64) ^ ((product >> 64) as u64)).wrapping_add(state.rotate_left(29))
}
