//! Finds structural characters of CSV, 64 bytes at a time.

use wide::u8x16;

use super::dialect::Dialect;

/// The bytes of a block.
pub(super) const BLOCK: usize = 64;

/// The positions of the marks in a block, as bits.
#[derive(Clone, Copy)]
pub(super) struct StructuralMask {
    pub(super) delimiters: u64,
    pub(super) line_feeds: u64,
    pub(super) quotes: u64,
}

impl StructuralMask {
    /// The mask of the first 64 bytes, or fewer.
    #[inline]
    pub(super) fn of(data: &[u8], dialect: &Dialect) -> Self {
        let block = match data.first_chunk::<BLOCK>() {
            Some(block) => *block,
            None => {
                // Zeros are never marks.
                let mut block = [0; BLOCK];
                block[..data.len()].copy_from_slice(data);
                block
            }
        };
        let places = |mark: u8| {
            let mark = u8x16::splat(mark);
            let parts = block.as_chunks::<16>().0.iter().rev();
            parts.fold(0, |places, &part| {
                let part = u8x16::from(part).simd_eq(mark).to_bitmask();
                places << 16 | u64::from(part)
            })
        };
        Self {
            delimiters: places(dialect.delimiter),
            line_feeds: places(b'\n'),
            quotes: dialect.quote.map_or(0, places),
        }
    }
}

/// Tracks from block to block which marks are in quoted cells.
///
/// Quotes are paired in order (Langdale and Lemire 2019), which is correct as long as every opening
/// quote is at the start of a cell, or after a closing one as a doubled quote.
struct Pairing {
    /// Whether a quote at the start of a cell needs the slow path.
    in_line: bool,
    /// All bits are set inside a quoted cell.
    inside: u64,
    /// Whether the byte before the block ends a cell, in the lowest bit.
    end_before: u64,
    quote_before: u64,
}

impl Pairing {
    fn new(dialect: &Dialect) -> Self {
        Self {
            in_line: dialect.in_line,
            inside: 0,
            end_before: 1,
            quote_before: 0,
        }
    }

    /// The ends of cells in the next block, and the quotes at the start of cells. `None` if a quote
    /// opens in the middle of a cell.
    #[inline(always)]
    fn next(&mut self, marks: StructuralMask) -> Option<(u64, u64)> {
        let mut ends = marks.delimiters | marks.line_feeds;
        let mut starting = 0;
        if self.in_line {
            if marks.quotes & (ends << 1 | self.end_before) != 0 {
                return None;
            }
        } else if marks.quotes | self.inside != 0 {
            // From each opening quote up to the closing one.
            let within = parities(marks.quotes) ^ self.inside;
            self.inside = 0u64.wrapping_sub(within >> 63);
            ends &= !within;
            let opening = marks.quotes & within;
            starting = opening & (ends << 1 | self.end_before);
            if opening & !(starting | marks.quotes << 1 | self.quote_before) != 0 {
                return None;
            }
        }
        (self.end_before, self.quote_before) = (ends >> 63, marks.quotes >> 63);
        Some((ends, starting))
    }
}

/// The last line feed that ends a record, if there is one. `None` if the slow path is needed.
pub(super) fn last_line_feed(data: &[u8], dialect: &Dialect) -> Option<Option<usize>> {
    let mut pairing = Pairing::new(dialect);
    let mut last = None;
    for (number, block) in data.chunks(BLOCK).enumerate() {
        let marks = StructuralMask::of(block, dialect);
        let (ends, _) = pairing.next(marks)?;
        let lines = ends & marks.line_feeds;
        if lines != 0 {
            last = Some(number * BLOCK + lines.ilog2() as usize);
        }
    }
    Some(last)
}

/// Cells of records of the same width.
pub(super) struct UniformRows {
    /// The end of each cell, a delimiter or a line feed; the first entry is the position before the
    /// data, −1.
    pub(super) ends: Vec<u32>,
    /// Which columns have a quoted cell.
    pub(super) quoted: Vec<bool>,
}

impl UniformRows {
    /// Splits records of `width` cells, two or more. `None` if the slow path is needed: a record
    /// has another width, or a quote is in the middle of a cell.
    pub(super) fn cut(data: &[u8], dialect: &Dialect, width: usize) -> Option<Self> {
        let mut ends: Vec<u32> = Vec::with_capacity(data.len() / 6 + BLOCK);
        ends.push(u32::MAX);
        let mut quoted = vec![false; width];
        let mut lines = 0;
        let mut pairing = Pairing::new(dialect);
        for (number, block) in data.chunks(BLOCK).enumerate() {
            let marks = StructuralMask::of(block, dialect);
            let (here, starting) = pairing.next(marks)?;
            for place in bits(starting) {
                let before = (here & ((1 << place) - 1)).count_ones() as usize;
                quoted[(ends.len() - 1 + before) % width] = true;
            }
            lines += (here & marks.line_feeds).count_ones() as usize;
            push(&mut ends, (number * BLOCK) as u32, here);
        }
        // The last record may lack a line feed.
        if data.last().is_some_and(|&last| last != b'\n') {
            ends.push(data.len() as u32);
            lines += 1;
        }
        let mut records = ends[1..].chunks_exact(width);
        let is_line = |end: u32| data.get(end as usize).is_none_or(|&byte| byte == b'\n');
        let even = pairing.inside == 0
            && ends.len() - 1 == lines * width
            && records.all(|record| record.last().is_some_and(|&end| is_line(end)));
        even.then_some(Self { ends, quoted })
    }
}

/// The prefix XOR: each bit of the result is the parity of the bits up to it.
#[inline]
fn parities(mut bits: u64) -> u64 {
    for distance in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << distance;
    }
    bits
}

/// The positions of the set bits, ascending.
#[inline]
pub(super) fn bits(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = (bits != 0).then(|| bits.trailing_zeros() as usize);
        bits &= bits.wrapping_sub(1);
        place
    })
}

/// Appends the positions of the set bits, counted from `first`: in steps of eight, as their number
/// is hard to predict for the processor.
#[inline]
fn push(places: &mut Vec<u32>, first: u32, mut bits: u64) {
    let length = places.len() + bits.count_ones() as usize;
    while bits != 0 {
        let mut eight = [0; 8];
        for place in &mut eight {
            *place = first + bits.trailing_zeros();
            bits &= bits.wrapping_sub(1);
        }
        places.extend_from_slice(&eight);
    }
    places.truncate(length);
}
