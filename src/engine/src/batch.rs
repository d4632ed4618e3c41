//! A batch of typed rows, by column: the output of parsers and the input of statistics.

use std::borrow::Cow;
use std::hash::{BuildHasher, Hasher};
use std::sync::Arc;

use foldhash::quality::FixedState;

use crate::parse::TypeSet;
use crate::stats::distinct::mix;
use crate::tail::Tail;

/// Consecutive rows, as columns.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) rows: usize,
    pub(crate) columns: Vec<ColumnBatch>,
    /// A hash of all cells of each row, to find duplicates.
    pub(crate) row_hashes: Vec<u64>,
    /// Columns that are not in the plan, in order of appearance.
    pub(crate) more: Vec<(String, TypeSet)>,
    pub(crate) notes: ReadDiagnostics,
}

/// Irregularities in the rows of a batch.
#[derive(Debug, Default)]
pub(crate) struct ReadDiagnostics {
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
    /// Quotes at the start of a cell that are literal, as they are not closed on their line.
    pub(crate) strays: u64,
    /// The line of the first.
    pub(crate) stray_line: Option<u64>,
    /// Byte order marks that were removed.
    pub(crate) boms: u64,
    /// The lines after the last row.
    pub(crate) tail: Option<Tail>,
}

/// How many positions of an irregularity are named.
pub(crate) const PLACES_NAMED: usize = 10;

/// The cells of one column.
#[derive(Debug)]
pub(crate) struct ColumnBatch {
    pub(crate) values: Values,
    pub(crate) missing: Missing,
    /// The types that all cells together allow.
    pub(crate) kinds: TypeSet,
    /// Whether every cell could be read as the assumed kind.
    pub(crate) fits: bool,
    /// In a text column: cells that could be read as another type.
    pub(crate) typed: u64,
    /// In a text column: values of another type than text in the file.
    pub(crate) natives: u64,
    /// In a text column: cells of digits that are identifiers.
    pub(crate) identifiers: u64,
    /// In a text column: cells with text in a formula, `="00501"`.
    pub(crate) formulas: u64,
    /// Values that are missing because they are not a valid date or time.
    pub(crate) out_of_range: u64,
    /// Integers beyond 64 bits, decimals beyond 128 bits and fractions of more digits than a double
    /// that lost precision.
    pub(crate) too_long: u64,
}

/// The values, one for each row; the value of a missing cell is meaningless.
#[derive(Debug)]
pub(crate) enum Values {
    /// Integers, days and microseconds since 1970, and booleans as 0 and 1.
    Integers(Vec<i64>),
    Floats(Vec<f64>),
    Decimals(Decimals),
    Text(Texts),
}

/// Integers over a power of ten, which is the same in all batches of a column.
#[derive(Debug, Default)]
pub(crate) struct Decimals {
    pub(crate) digits: Vec<i128>,
    pub(crate) scale: u8,
}

impl Values {
    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Integers(values) => values.len(),
            Self::Floats(values) => values.len(),
            Self::Decimals(decimals) => decimals.digits.len(),
            Self::Text(texts) => texts.len(),
        }
    }
}

/// Which rows of a column are missing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Missing {
    count: usize,
    /// A bit for each row up to the last missing one.
    bits: Vec<u64>,
}

impl Missing {
    /// Marks the cell of a row as missing, at most once for each row and in ascending order.
    pub(crate) fn mark(&mut self, row: usize) {
        let word = row / 64;
        self.bits.resize(word + 1, 0);
        self.bits[word] |= 1 << (row % 64);
        self.count += 1;
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The values of the rows that are not missing.
    pub(crate) fn present<'v, T: Copy>(&self, values: &'v [T]) -> Cow<'v, [T]> {
        if self.count == 0 {
            return values.into();
        }
        let rows = values.iter().enumerate();
        let present = rows.filter(|&(row, _)| !self.at(row));
        present.map(|(_, &value)| value).collect()
    }

    /// The missing rows in ascending order.
    pub(crate) fn rows(&self) -> impl Iterator<Item = usize> + '_ {
        self.bits.iter().enumerate().flat_map(|(at, &word)| {
            let mut left = word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros() as usize)?;
                left &= left - 1;
                Some(64 * at + bit)
            })
        })
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

/// The text of a chunk, shared by its columns.
#[derive(Debug)]
pub(crate) struct ChunkText {
    pub(crate) bytes: Vec<u8>,
    /// Whether every character is one byte.
    pub(crate) ascii: bool,
}

/// Strings: spans of their chunk's text, or of a separate buffer if they do not occur in it
/// verbatim.
#[derive(Debug)]
pub(crate) struct Texts {
    chunk: Option<Arc<ChunkText>>,
    own: Vec<u8>,
    spans: Vec<Span>,
    hashes: Vec<u64>,
    seed: FixedState,
}

/// Start and end of a string: offsets into the chunk, or, beyond its length, into the buffer.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    end: u32,
}

/// Separates the seed of texts from that of other hashes.
const TEXTS: u64 = 0x5171_1c4e_9d2b_6a37;

/// The hash of a text. The same seed gives the same hashes, and so the same estimates, in every
/// run.
#[inline]
fn hash_text(text: &[u8], seed: &FixedState) -> u64 {
    // The length is part of what `write` hashes.
    let mut hasher = seed.build_hasher();
    hasher.write(text);
    hasher.finish()
}

impl Texts {
    /// Room for some rows, mostly parts of the chunk.
    pub(crate) fn new(chunk: Option<&Arc<ChunkText>>, rows: usize, seed: u64) -> Self {
        Self {
            seed: FixedState::with_seed(TEXTS ^ seed),
            chunk: chunk.map(Arc::clone),
            own: Vec::new(),
            spans: Vec::with_capacity(rows),
            hashes: Vec::with_capacity(rows),
        }
    }

    pub(crate) fn push(&mut self, text: &[u8]) {
        let chunk = self.chunk();
        let span = match span_in(chunk, text) {
            Some(span) => span,
            None => {
                let start = chunk.len() + self.own.len();
                self.own.extend_from_slice(text);
                (start, start + text.len())
            }
        };
        self.push_span(span, hash_text(text, &self.seed));
    }

    /// Repeats the text of an earlier row.
    pub(crate) fn push_again(&mut self, row: usize) {
        self.spans.push(self.spans[row]);
        self.hashes.push(self.hashes[row]);
    }

    pub(crate) fn push_missing(&mut self) {
        self.push_span((0, 0), 0);
    }

    /// Batches are far smaller than 4 GiB; a larger one would lose its text, not its memory.
    fn push_span(&mut self, (start, end): (usize, usize), hash: u64) {
        let small = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        self.spans.push(Span {
            start: small(start),
            end: small(end),
        });
        self.hashes.push(hash);
    }

    fn chunk(&self) -> &[u8] {
        self.chunk.as_ref().map_or(&[], |chunk| &chunk.bytes)
    }

    /// Whether every character is known to be one byte.
    pub(crate) fn is_ascii(&self) -> bool {
        self.chunk.as_ref().is_none_or(|chunk| chunk.ascii) && self.own.is_ascii()
    }

    pub(crate) fn hashes(&self) -> &[u64] {
        &self.hashes
    }

    #[inline]
    pub(crate) fn get(&self, row: usize) -> &[u8] {
        let Span { start, end } = self.spans[row];
        let (start, end) = (start as usize, end as usize);
        let chunk = self.chunk();
        if end <= chunk.len() {
            &chunk[start..end]
        } else {
            &self.own[start - chunk.len()..end - chunk.len()]
        }
    }

    /// The span of a string: strings with the same span are equal.
    #[inline]
    pub(crate) fn place(&self, row: usize) -> (u32, u32) {
        let Span { start, end } = self.spans[row];
        (start, end)
    }

    /// How many bytes a string has.
    #[inline]
    pub(crate) fn length(&self, row: usize) -> usize {
        let Span { start, end } = self.spans[row];
        (end - start) as usize
    }

    pub(crate) fn len(&self) -> usize {
        self.spans.len()
    }
}

/// The span of a part of the text; `None` if it is not a part.
#[inline]
fn span_in(text: &[u8], part: &[u8]) -> Option<(usize, usize)> {
    let start = part.as_ptr().addr().wrapping_sub(text.as_ptr().addr());
    let end = start.checked_add(part.len())?;
    (end <= text.len()).then_some((start, end))
}

/// Folds the cells of a column into the hashes of their rows.
pub(crate) fn hash_rows(column: &ColumnBatch, rows: &mut [u64], seed: u64) {
    let missing = &column.missing;
    match &column.values {
        Values::Integers(values) => fold(rows, missing, values, seed, |value| value as u64),
        // Both zeros are equal.
        Values::Floats(values) => fold(rows, missing, values, seed, |x| (x + 0.0).to_bits()),
        Values::Decimals(decimals) => fold(rows, missing, &decimals.digits, seed, |digits| {
            digits as u64 ^ mix((digits >> 64) as u64)
        }),
        Values::Text(texts) => fold(rows, missing, &texts.hashes, seed, |hash| hash),
    }
}

fn fold<T: Copy>(
    rows: &mut [u64],
    missing: &Missing,
    values: &[T],
    seed: u64,
    key: impl Fn(T) -> u64,
) {
    const MISSING: u64 = 0x9ae1_6a3b_2f90_404f;
    let factors = (
        0x2d35_8dcc_aa6c_78a5 ^ seed.wrapping_mul(0x9e37_79b9_7f4a_7c15),
        0x8bb8_4b93_962e_acc9 ^ seed.wrapping_mul(0xc2b2_ae3d_27d4_eb4f),
    );
    let rows = rows.iter_mut().zip(values);
    if missing.count() == 0 {
        rows.for_each(|(hash, &value)| *hash = fold_hash(*hash, key(value), factors));
        return;
    }
    for (row, (hash, &value)) in rows.enumerate() {
        let key = if missing.at(row) { MISSING } else { key(value) };
        *hash = fold_hash(*hash, key, factors);
    }
}

/// One step of a multiply-and-fold hash.
#[inline]
fn fold_hash(state: u64, key: u64, (a, b): (u64, u64)) -> u64 {
    let product = u128::from(state ^ a) * u128::from(key ^ b);
    ((product as u64) ^ ((product >> 64) as u64)).wrapping_add(state.rotate_left(29))
}
