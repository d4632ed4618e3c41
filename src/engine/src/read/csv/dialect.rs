//! Where records and cells of CSV end.
//!
//! A quote opens a quoted cell only as the first byte of the cell; elsewhere it is a character
//! like any other (`5" pipe`), as in RFC 4180 and in pandas. Inside a quoted cell two quotes
//! stand for one. What follows the closing quote up to the delimiter belongs to the cell.

use memchr::{memchr, memchr2, memrchr};

use super::cells::Cells;
use super::marks;
use crate::read::records::Splitter;

/// The characters that structure a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dialect {
    pub(crate) delimiter: u8,
    pub(crate) comment: Option<u8>,
}

pub(crate) const QUOTE: u8 = b'"';

impl Dialect {
    /// Where a cell ends that begins at `start`: the position of the delimiter, of the line feed,
    /// or the end of the data; and whether the cell is quoted.
    #[inline]
    pub(crate) fn cell_end(&self, data: &[u8], start: usize) -> (usize, bool) {
        let quoted = data.get(start) == Some(&QUOTE);
        let from = if quoted {
            close(data, start).unwrap_or(data.len())
        } else {
            start
        };
        let end = memchr2(self.delimiter, b'\n', &data[from..]).map_or(data.len(), |at| from + at);
        (end, quoted)
    }

    fn begins_cell(&self, data: &[u8], at: usize) -> bool {
        at == 0 || data[at - 1] == self.delimiter || data[at - 1] == b'\n'
    }

    /// The first quote between two positions that opens a cell.
    fn opening(&self, data: &[u8], mut from: usize, to: usize) -> Option<usize> {
        loop {
            let at = from + memchr(QUOTE, &data[from..to])?;
            if self.begins_cell(data, at) {
                return Some(at);
            }
            from = at + 1;
        }
    }

    /// Whether the record that begins at `from` is a comment.
    pub(crate) fn comments(&self, data: &[u8], from: usize) -> bool {
        self.comment.is_some() && self.comment == data.get(from).copied()
    }
}

impl Splitter for Dialect {
    fn record_end(&self, data: &[u8], mut from: usize) -> Option<usize> {
        let mut line_feed = from + memchr(b'\n', &data[from..])?;
        if self.comments(data, from) {
            return Some(line_feed + 1);
        }
        while let Some(quote) = self.opening(data, from, line_feed) {
            from = close(data, quote)?;
            line_feed = from + memchr(b'\n', &data[from..])?;
        }
        Some(line_feed + 1)
    }

    fn last_record_end(&self, data: &[u8]) -> Option<usize> {
        let mut end = None;
        if self.comment.is_some() {
            while let Some(next) = self.record_end(data, end.unwrap_or(0)) {
                end = Some(next);
            }
            return end;
        }
        if let Some(last) = marks::last_line_feed(data, self.delimiter) {
            return last.map(|at| at + 1);
        }
        let mut from = 0;
        while let Some(quote) = self.opening(data, from, data.len()) {
            if let Some(at) = memrchr(b'\n', &data[from..quote]) {
                end = Some(from + at + 1);
            }
            match close(data, quote) {
                Some(after) => from = after,
                None => return end,
            }
        }
        memrchr(b'\n', &data[from..])
            .map(|at| from + at + 1)
            .or(end)
    }

    fn open_quote(&self, record: &[u8]) -> Option<(usize, usize)> {
        if self.comments(record, 0) {
            return None;
        }
        let mut from = 0;
        loop {
            let quote = self.opening(record, from, record.len())?;
            match close(record, quote) {
                Some(after) => from = after,
                None => {
                    let before = Cells::cut_record(&record[..quote], *self);
                    return Some((quote, before.len().max(1)));
                }
            }
        }
    }
}

/// After the quote that closes the one at `start`.
fn close(data: &[u8], start: usize) -> Option<usize> {
    let mut from = start + 1;
    loop {
        let at = from + memchr(QUOTE, data.get(from..)?)?;
        if data.get(at + 1) != Some(&QUOTE) {
            return Some(at + 1);
        }
        from = at + 2;
    }
}

/// The text of a quoted cell: what is between the quotes, two quotes read as one, and what
/// follows them.
pub(crate) fn unquote(cell: &[u8]) -> std::borrow::Cow<'_, [u8]> {
    let inner = &cell[1..];
    match memchr(QUOTE, inner) {
        None => inner.into(),
        Some(at) if at + 1 == inner.len() => inner[..at].into(),
        Some(_) => {
            let mut text = Vec::with_capacity(inner.len());
            let mut rest = inner;
            while let Some(at) = memchr(QUOTE, rest) {
                text.extend_from_slice(&rest[..at]);
                rest = &rest[at + 1..];
                if rest.first() != Some(&QUOTE) {
                    break;
                }
                text.push(QUOTE);
                rest = &rest[1..];
            }
            text.extend_from_slice(rest);
            text.into()
        }
    }
}
