//! A CSV dialect: the ends of cells, and their text.
//!
//! A quote opens a quoted cell only as the first byte of the cell; elsewhere it is literal
//! (`5" pipe`), as in RFC 4180 and in pandas. Inside a quoted cell, two quotes are one literal
//! quote. Text between the closing quote and the delimiter belongs to the cell.
//!
//! If quotes are limited to their line, as in TSV, a quoted cell ends on it, with the quote as its
//! last character; any other quote is literal. An escape makes a following quote, delimiter, line
//! end or escape literal, in quoted cells and in others.

use std::borrow::Cow;

use memchr::{memchr, memchr2, memchr3};

/// The characters that structure a file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Dialect {
    pub(crate) delimiter: u8,
    pub(crate) quote: Option<u8>,
    /// Whether a quoted cell ends on its line.
    pub(crate) in_line: bool,
    pub(crate) escape: Option<u8>,
    pub(crate) comment: Option<u8>,
    /// Whether blanks at the start of a cell are skipped, also before a quote.
    pub(crate) spaced: bool,
}

impl Dialect {
    /// The end of the cell that begins at `start`: the position of the delimiter, of the line feed
    /// or of the end of the data; and whether the cell is quoted.
    #[inline]
    pub(crate) fn cell_end(&self, data: &[u8], start: usize) -> (usize, bool) {
        let start = start + self.blanks(&data[start.min(data.len())..]);
        let begins = self.quote.is_some() && data.get(start).copied() == self.quote;
        if begins && self.in_line {
            if let Some(end) = self.end_in_line(data, start) {
                return (end, true);
            }
            return (self.end_from(data, start), false);
        }
        let from = if begins {
            self.close(data, start).unwrap_or(data.len())
        } else {
            start
        };
        (self.end_from(data, from), begins)
    }

    /// The number of blanks to skip before a cell.
    #[inline]
    fn blanks(&self, cell: &[u8]) -> usize {
        if !self.spaced {
            return 0;
        }
        cell.iter().take_while(|byte| **byte == b' ').count()
    }

    /// The next delimiter or line feed.
    fn end_from(&self, data: &[u8], mut from: usize) -> usize {
        let Some(escape) = self.escape else {
            return memchr2(self.delimiter, b'\n', &data[from..])
                .map_or(data.len(), |at| from + at);
        };
        loop {
            let Some(at) = memchr3(self.delimiter, b'\n', escape, &data[from..]) else {
                return data.len();
            };
            if data[from + at] != escape {
                return from + at;
            }
            from = (from + at + 2).min(data.len());
        }
    }

    /// The end of a quoted cell that has to end on its line.
    fn end_in_line(&self, data: &[u8], start: usize) -> Option<usize> {
        let line = &data[start..];
        let line = &line[..memchr(b'\n', line).unwrap_or(line.len())];
        let after = self.close(line, 0)?;
        let rest = line[after..].strip_suffix(b"\r").unwrap_or(&line[after..]);
        match rest.first() {
            None => Some(start + line.len()),
            Some(&byte) if byte == self.delimiter => Some(start + after),
            Some(_) => None,
        }
    }

    /// The position after the quote that closes the one at `start`.
    pub(super) fn close(&self, data: &[u8], start: usize) -> Option<usize> {
        let quote = self.quote?;
        let mut from = start + 1;
        loop {
            let rest = data.get(from..)?;
            let at = match self.escape {
                None => from + memchr(quote, rest)?,
                Some(escape) => from + memchr2(quote, escape, rest)?,
            };
            if data[at] == quote && data.get(at + 1) != Some(&quote) {
                return Some(at + 1);
            }
            from = at + 2;
        }
    }

    /// Whether the quote that opens a cell closes it at its end.
    pub(crate) fn closes(&self, cell: &[u8]) -> bool {
        let cell = &cell[self.blanks(cell)..];
        let after = self.close(cell, 0);
        after.is_some_and(|after| matches!(&cell[after..], b"" | b"\r"))
    }

    /// Whether the record that begins at `from` is a comment.
    pub(crate) fn comments(&self, data: &[u8], from: usize) -> bool {
        self.comment.is_some() && self.comment == data.get(from).copied()
    }

    /// The text of a raw cell, without quotes and escapes.
    #[inline]
    pub(crate) fn text<'a>(&self, cell: &'a [u8]) -> Cow<'a, [u8]> {
        let quoted = self.quote.is_some() && cell.first().copied() == self.quote;
        if quoted || self.spaced || self.escape.is_some() {
            return self.cleaned(cell);
        }
        cell.into()
    }

    fn cleaned<'a>(&self, cell: &'a [u8]) -> Cow<'a, [u8]> {
        let cell = &cell[self.blanks(cell)..];
        let first = cell.first().copied();
        let quoted = first.is_some() && first == self.quote;
        match (self.escape, quoted) {
            (None, false) => cell.into(),
            (None, true) if self.in_line && self.close(cell, 0) != Some(cell.len()) => cell.into(),
            (None, true) => unquote(cell, self.quote.unwrap_or_default()),
            (Some(escape), _) => self.unescape(cell, escape, quoted).into(),
        }
    }

    fn unescape(&self, cell: &[u8], escape: u8, quoted: bool) -> Vec<u8> {
        let mut text = Vec::with_capacity(cell.len());
        let mut inside = quoted;
        let mut at = usize::from(quoted);
        while let Some(&byte) = cell.get(at) {
            let next = cell.get(at + 1).copied();
            let marks = [self.quote, Some(self.delimiter), Some(escape), Some(b'\n')];
            if byte == escape && next.is_some() && marks.contains(&next) {
                text.extend(next);
                at += 2;
            } else if inside && Some(byte) == self.quote {
                inside = next == self.quote;
                text.extend(next.filter(|_| inside));
                at += if inside { 2 } else { 1 };
            } else {
                text.push(byte);
                at += 1;
            }
        }
        text
    }
}

/// The text of a quoted cell: the text between the quotes, with doubled quotes as one, and the text
/// after them.
fn unquote(cell: &[u8], quote: u8) -> Cow<'_, [u8]> {
    let inner = &cell[1..];
    match memchr(quote, inner) {
        None => inner.into(),
        Some(at) if at + 1 == inner.len() => inner[..at].into(),
        Some(_) => {
            let mut text = Vec::with_capacity(inner.len());
            let mut rest = inner;
            while let Some(at) = memchr(quote, rest) {
                text.extend_from_slice(&rest[..at]);
                rest = &rest[at + 1..];
                if rest.first() != Some(&quote) {
                    break;
                }
                text.push(quote);
                rest = &rest[1..];
            }
            text.extend_from_slice(rest);
            text.into()
        }
    }
}
