//! Counts the values per row of a nested column by its repetition levels.

use super::thrift::Cursor;

/// The size of levels with a length prefix, including the prefix.
pub(super) fn length(page: &[u8]) -> usize {
    let length = page
        .first_chunk()
        .map_or(0, |bytes| u32::from_le_bytes(*bytes));
    (length as usize).saturating_add(4)
}

/// The rows so far.
pub(super) struct Rows {
    bits: u32,
    current: usize,
    longest: usize,
}

impl Rows {
    pub(super) fn new(highest: i16) -> Self {
        Self {
            bits: u16::BITS - highest.unsigned_abs().leading_zeros(),
            current: 0,
            longest: 0,
        }
    }

    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// Adds the levels of a page: runs, and groups of eight. `None` if they are invalid.
    pub(super) fn add(&mut self, levels: &[u8], values: usize) -> Option<()> {
        let mut left = values;
        let mut at = 0;
        while left > 0 {
            let mut cursor = Cursor::new(levels.get(at..)?);
            let head = cursor.unsigned()?;
            at += cursor.position();
            let count = usize::try_from(head >> 1).ok()?;
            if head & 1 == 0 {
                let size = self.bits.div_ceil(8) as usize;
                let level = levels.get(at..at + size)?;
                self.run(count.min(left), level.iter().all(|&byte| byte == 0));
                at += size;
                left -= count.min(left);
            } else {
                let size = count.checked_mul(self.bits as usize)?;
                let packed = levels.get(at..at.checked_add(size)?)?;
                at += size;
                let wanted = count.checked_mul(8)?.min(left);
                for place in 0..wanted {
                    self.run(1, self.is_zero(packed, place));
                }
                left -= wanted;
            }
            // An empty run would loop forever.
            if count == 0 {
                return None;
            }
        }
        Some(())
    }

    fn is_zero(&self, packed: &[u8], place: usize) -> bool {
        let first = place * self.bits as usize;
        (first..first + self.bits as usize).all(|bit| packed[bit / 8] >> (bit % 8) & 1 == 0)
    }

    /// Adds `count` values of one level; level 0 begins a row.
    fn run(&mut self, count: usize, begins: bool) {
        if count == 0 {
            return;
        }
        self.current = if begins {
            1
        } else {
            self.current.saturating_add(count)
        };
        self.longest = self.longest.max(self.current);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_row_is_found_in_runs_and_in_groups() {
        let mut rows = Rows::new(1);
        // A row of one value, and one of 1,001 in two pages.
        rows.add(&[2 << 1, 0, 0xe8, 0x0f, 1], 2 + 1000).unwrap();
        assert_eq!(rows.longest(), 1001);
        // 1 0 0 1 1 1 1 0 in a group.
        let mut rows = Rows::new(1);
        rows.add(&[1 << 1 | 1, 0b0111_1001], 8).unwrap();
        assert_eq!(rows.longest(), 5);
        assert!(Rows::new(1).add(&[0], 1).is_none());
    }
}
