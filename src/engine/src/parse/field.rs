//! Reads a cell eight bytes at a time.
//!
//! All of it is inlined without fail: it is what most of the time of a pass goes through, and
//! calls cost as much as what is done.

use super::powers::POWERS;

/// A cell and what follows it in its chunk, so that whole words can be read of it.
#[derive(Clone, Copy)]
pub(crate) struct Field<'a> {
    /// From the cell's first byte to the end of the chunk.
    data: &'a [u8],
    length: usize,
}

const ZEROS: u64 = 0x3030_3030_3030_3030;
const HIGHEST_BITS: u64 = 0x8080_8080_8080_8080;

impl<'a> Field<'a> {
    /// The cell that is the first `length` bytes of the data.
    #[inline(always)]
    pub(crate) fn new(data: &'a [u8], length: usize) -> Self {
        debug_assert!(length <= data.len());
        Self { data, length }
    }

    #[inline(always)]
    pub(crate) fn text(self) -> &'a [u8] {
        &self.data[..self.length]
    }

    #[inline(always)]
    pub(super) fn len(self) -> usize {
        self.length
    }

    /// Its first byte; that of what follows where it is empty, 0 where nothing does.
    #[inline(always)]
    pub(super) fn first(self) -> u8 {
        self.data.first().copied().unwrap_or_default()
    }

    #[inline(always)]
    pub(super) fn begins_with_digit(self) -> bool {
        self.length > 0 && self.first().is_ascii_digit()
    }

    /// Whether it begins with a minus, and what follows it.
    #[inline(always)]
    pub(super) fn minus(self) -> (bool, Self) {
        let negative = self.length > 0 && self.first() == b'-';
        let skipped = usize::from(negative);
        let field = Self {
            data: &self.data[skipped..],
            length: self.length - skipped,
        };
        (negative, field)
    }

    /// Eight bytes, the first one lowest; `None` near the end of the chunk.
    #[inline(always)]
    fn word(self, at: usize) -> Option<u64> {
        let bytes = self.data.get(at..)?.first_chunk()?;
        Some(u64::from_le_bytes(*bytes))
    }

    /// The bytes of a cell of up to eight with capital letters made small, zeros behind them. Other
    /// characters may become another, though none of them a letter.
    #[inline(always)]
    pub(super) fn lower_case(self) -> Option<u64> {
        let spare = 8usize.checked_sub(self.length)? as u32 * 8;
        let mask = u64::MAX.checked_shr(spare)?;
        Some((self.word(0)? | 0x2020_2020_2020_2020) & mask)
    }

    /// The digits of a number with a point after its first 1 to 7 of them and 19 in all at most,
    /// as a number, and how many follow the point. `None` where it is anything else, or the chunk
    /// ends nearby.
    #[inline(always)]
    pub(super) fn decimal(self) -> Option<(u64, usize)> {
        const POINTS: u64 = 0x2e2e_2e2e_2e2e_2e2e;
        let first = self.word(0)?;
        let other = first ^ POINTS;
        // The lowest byte that is zero (Mycroft 1987); those above it may be found in error.
        let zeros = other.wrapping_sub(0x0101_0101_0101_0101) & !other & HIGHEST_BITS;
        let point = zeros.trailing_zeros() as usize / 8;
        let leading_zero = (self.first() == b'0') & (point > 1);
        let count = self.length.wrapping_sub(1);
        if !(1..8).contains(&point) | (point > count) | (count > 19) | leading_zero {
            return None;
        }
        // What follows the point moves up to what precedes it.
        let before = (1 << (8 * point)) - 1;
        let joined = first & before | self.word(1)? & !before;
        let digits = eight_digits(joined, count.min(8))?;
        Some((self.more_digits(digits, 9, self.length)?, count - point))
    }

    /// The number that the cell is, of up to 19 digits; `None` where one is no digit or the chunk
    /// ends nearby.
    #[inline(always)]
    pub(super) fn digits(self) -> Option<u64> {
        let digits = eight_digits(self.word(0)?, self.length.min(8))?;
        self.more_digits(digits, 8, self.length)
    }

    /// Appends the digits from `at` up to `end`.
    #[inline(always)]
    fn more_digits(self, mut number: u64, mut at: usize, end: usize) -> Option<u64> {
        while at < end {
            let count = (end - at).min(8);
            number = number * POWERS[count] + eight_digits(self.word(at)?, count)?;
            at += count;
        }
        Some(number)
    }

    /// Whether it is certain that a cell that begins with a digit is neither a number nor a date
    /// without marks of its own: among its first eight bytes are two letters and nothing that
    /// separates.
    #[inline(always)]
    pub(super) fn is_mixed(self) -> bool {
        let Some(word) = self.word(0).filter(|_| self.length >= 8) else {
            return false;
        };
        // Of ASCII: what is beyond it may stand between the digits of a number.
        let letters = word & !(word >> 1) & 0x4040_4040_4040_4040;
        let two = letters & letters.wrapping_sub(1) != 0;
        // 0x20 to 0x2f: the blank, and all marks that numbers and dates have.
        let marks = (word & 0x7070_7070_7070_7070) ^ 0x2020_2020_2020_2020;
        let none = marks.wrapping_sub(0x0101_0101_0101_0101) & !marks & HIGHEST_BITS == 0;
        two & none
    }
}

/// The number that the first `count` bytes of a word are, at most 8: neighbours are joined to
/// pairs, pairs to fours, and these to one (Lemire 2018).
#[inline(always)]
fn eight_digits(word: u64, count: usize) -> Option<u64> {
    // The digits move to the end, zeros take their place.
    let spare = 64 - 8 * count as u32;
    let digits = (word ^ ZEROS).unbounded_shl(spare);
    if !are_digits(digits) {
        return None;
    }
    let fours = pairs(digits).wrapping_mul(1 + (100 << 16)) >> 16;
    Some((fours & 0x0000_ffff_0000_ffff).wrapping_mul(1 + (10_000 << 32)) >> 32)
}

/// Four numbers of two digits each, which eight bytes are.
#[inline(always)]
pub(super) fn four_pairs(word: u64) -> Option<[i32; 4]> {
    let digits = word ^ ZEROS;
    if !are_digits(digits) {
        return None;
    }
    let pairs = pairs(digits);
    Some([0, 16, 32, 48].map(|at| (pairs >> at & 0xff) as i32))
}

/// Whether all bytes are at most 9.
#[inline(always)]
fn are_digits(bytes: u64) -> bool {
    // One above it carries into its highest bit.
    (bytes.wrapping_add(0x7676_7676_7676_7676) | bytes) & HIGHEST_BITS == 0
}

/// Eight digits as four numbers below 100, 16 bits each.
#[inline(always)]
fn pairs(digits: u64) -> u64 {
    digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00ff_00ff_00ff_00ff
}

impl<'a> From<&'a [u8]> for Field<'a> {
    fn from(cell: &'a [u8]) -> Self {
        Self::new(cell, cell.len())
    }
}
