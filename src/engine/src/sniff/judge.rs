//! Scores how well a dialect fits the start of a text.

use crate::read::csv::dialect::Dialect;
use crate::read::records::{Splitter, is_blank};

/// How many records are scored.
pub(super) const RECORDS: usize = 200;

/// How well a dialect splits records; higher is better. By the share of records of the same width
/// in whole percents, so that a stray record does not outweigh more columns, then by the width.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Score {
    pub(super) records: usize,
    /// The number of records of the most frequent width, if that is more than one cell.
    pub(super) even: usize,
    pub(super) width: usize,
    /// Quotes that open a cell and do not close it at its end.
    pub(super) faults: usize,
    /// Whether one is not closed at all, and lines follow it.
    pub(super) open: bool,
}

impl Score {
    pub(super) fn share(self) -> usize {
        (self.even * 100).checked_div(self.records).unwrap_or(0)
    }

    /// How well a delimiter fits: a record with a quote that is not closed at the end of its cell
    /// counts against it.
    pub(super) fn rank(self) -> (usize, usize) {
        let even = self.even.saturating_sub(self.faults);
        (
            (even * 100).checked_div(self.records).unwrap_or(0),
            self.width,
        )
    }

    pub(super) fn is_clean(self) -> bool {
        self.faults == 0 && self.even == self.records && self.width > 1
    }
}

impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        (self.share(), self.width).partial_cmp(&(other.share(), other.width))
    }
}

/// The beginning of a text.
#[derive(Clone, Copy)]
pub(super) struct Text<'t> {
    pub(super) text: &'t [u8],
    pub(super) whole: bool,
}

impl Text<'_> {
    /// The first records that are neither blank nor comments; one that the end of the sample cuts
    /// only if it is the first.
    pub(super) fn records<'s>(
        self,
        dialect: &Dialect,
        most: usize,
    ) -> impl Iterator<Item = &'s [u8]>
    where
        Self: 's,
    {
        let dialect = *dialect;
        let mut start = 0;
        let mut count = 0;
        std::iter::from_fn(move || {
            while count < most && start < self.text.len() {
                let end = dialect.record_end(self.text, start);
                if end.is_none() && count > 1 && !self.whole {
                    return None;
                }
                let record = &self.text[start..end.unwrap_or(self.text.len())];
                start += record.len();
                if is_blank(record, dialect.delimiter) || dialect.comments(record, 0) {
                    continue;
                }
                count += 1;
                return Some(record);
            }
            None
        })
    }

    pub(super) fn judge(self, dialect: &Dialect, most: usize) -> Score {
        let mut widths: Vec<usize> = Vec::new();
        let (mut faults, mut open) = (0, false);
        for record in self.records(dialect, most) {
            let rest = record.trim_ascii_end();
            open |= rest.contains(&b'\n') && dialect.open_quote(record).is_some();
            let (width, bad) = measure(record, dialect);
            widths.push(width);
            faults += bad;
        }
        let records = widths.len();
        // The most frequent width; of several, the largest.
        widths.sort_unstable();
        let runs = widths.chunk_by(|a, b| a == b);
        let even = runs.max_by_key(|run| run.len()).unwrap_or_default();
        let width = even.first().copied().unwrap_or(0);
        Score {
            records,
            even: if width > 1 { even.len() } else { 0 },
            width,
            faults,
            open,
        }
    }
}

/// The number of cells of a record, and of its quotes that are not closed at the end of a cell.
fn measure(record: &[u8], dialect: &Dialect) -> (usize, usize) {
    let record = record.strip_suffix(b"\n").unwrap_or(record);
    let (mut width, mut faults, mut start) = (0, 0, 0);
    loop {
        let (end, quoted) = dialect.cell_end(record, start);
        width += 1;
        if quoted && !dialect.closes(&record[start..end]) {
            faults += 1;
        }
        if record.get(end) != Some(&dialect.delimiter) {
            return (width, faults);
        }
        start = end + 1;
    }
}
