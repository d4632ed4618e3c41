//! Finding the delimiter.

use super::cells::Cells;
use super::dialect::Dialect;
use crate::read::records::{Splitter, is_blank};

/// In the order of preference where nothing else decides.
const CANDIDATES: [u8; 4] = [b',', b';', b'\t', b'|'];
const RECORDS: usize = 200;

/// The delimiter under which most of the first records have as many cells as the header; where
/// several do, the one with the most cells. A comma where none makes a second column.
pub(super) fn delimiter(sample: &[u8], comment: Option<u8>) -> u8 {
    let mut best = (0, 0, b',');
    for delimiter in CANDIDATES {
        let dialect = Dialect { delimiter, comment };
        let mut start = 0;
        let mut width = None;
        let mut even = 0usize;
        let mut count = 0usize;
        while count < RECORDS && start < sample.len() {
            // The last record may be cut off by the end of the sample.
            let whole = dialect.record_end(sample, start);
            let end = whole.unwrap_or(sample.len());
            let record = &sample[start..end];
            start = end;
            if whole.is_none() && count > 1 {
                break;
            }
            if is_blank(record, delimiter) || dialect.comments(record, 0) {
                continue;
            }
            let cells = Cells::cut_record(record, dialect).len();
            let width = *width.get_or_insert(cells);
            count += 1;
            if cells == width && width > 1 {
                even += 1;
            }
        }
        // Whole percents, so that a stray record does not outweigh more columns.
        let share = (even * 100).checked_div(count).unwrap_or(0);
        let score = (share, width.unwrap_or(0), delimiter);
        if (score.0, score.1) > (best.0, best.1) {
            best = score;
        }
    }
    best.2
}
