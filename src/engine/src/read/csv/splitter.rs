//! Finds the ends of CSV records.

use memchr::{memchr, memrchr};

use super::cells::Cells;
use super::dialect::Dialect;
use super::marks;
use crate::read::records::Splitter;

impl Dialect {
    /// Whether every line feed ends a record.
    fn is_by_line(&self) -> bool {
        self.escape.is_none() && (self.quote.is_none() || self.in_line)
    }

    fn begins_cell(&self, data: &[u8], at: usize) -> bool {
        at == 0 || data[at - 1] == self.delimiter || data[at - 1] == b'\n'
    }

    /// The first quote between two positions that opens a cell.
    fn opening(&self, data: &[u8], mut from: usize, to: usize) -> Option<usize> {
        let quote = self.quote?;
        loop {
            let at = from + memchr(quote, &data[from..to])?;
            if self.begins_cell(data, at) {
                return Some(at);
            }
            from = at + 1;
        }
    }

    /// Splits records cell by cell, if there may be escapes, or blanks before quotes.
    fn next_record(&self, data: &[u8], mut from: usize) -> Option<usize> {
        loop {
            let (end, _) = self.cell_end(data, from);
            if *data.get(end)? == b'\n' {
                return Some(end + 1);
            }
            from = end + 1;
        }
    }
}

impl Splitter for Dialect {
    fn record_end(&self, data: &[u8], mut from: usize) -> Option<usize> {
        let mut line_feed = from + memchr(b'\n', &data[from..])?;
        if self.is_by_line() || self.comments(data, from) {
            return Some(line_feed + 1);
        }
        if self.escape.is_some() || self.spaced {
            return self.next_record(data, from);
        }
        while let Some(quote) = self.opening(data, from, line_feed) {
            from = self.close(data, quote)?;
            line_feed = from + memchr(b'\n', &data[from..])?;
        }
        Some(line_feed + 1)
    }

    fn last_record_end(&self, data: &[u8]) -> Option<usize> {
        let mut end = None;
        if self.is_by_line() {
            return memrchr(b'\n', data).map(|at| at + 1);
        }
        if self.comment.is_some() || self.escape.is_some() || self.spaced {
            while let Some(next) = self.record_end(data, end.unwrap_or(0)) {
                end = Some(next);
            }
            return end;
        }
        if let Some(last) = marks::last_line_feed(data, self) {
            return last.map(|at| at + 1);
        }
        let mut from = 0;
        while let Some(quote) = self.opening(data, from, data.len()) {
            if let Some(at) = memrchr(b'\n', &data[from..quote]) {
                end = Some(from + at + 1);
            }
            match self.close(data, quote) {
                Some(after) => from = after,
                None => return end,
            }
        }
        memrchr(b'\n', &data[from..])
            .map(|at| from + at + 1)
            .or(end)
    }

    fn open_quote(&self, record: &[u8]) -> Option<(usize, usize)> {
        if self.is_by_line() || self.comments(record, 0) {
            return None;
        }
        let mut from = 0;
        loop {
            let quote = self.opening(record, from, record.len())?;
            match self.close(record, quote) {
                Some(after) => from = after,
                None => {
                    let before = Cells::cut_record(&record[..quote], *self);
                    return Some((quote, before.len().max(1)));
                }
            }
        }
    }
}
