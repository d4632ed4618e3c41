//! Cutting a chunk of CSV into cells.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};

use super::dialect::{Dialect, QUOTE, unquote};
use crate::batch::{Notes, PLACES_NAMED};

/// The cells of a chunk, row by row.
pub(crate) struct Cells<'a> {
    data: &'a [u8],
    spans: Vec<Span>,
    width: usize,
    /// Which columns have a quoted cell.
    quoted: Vec<bool>,
    pub(crate) notes: Notes,
}

#[derive(Clone, Copy)]
struct Span {
    start: u32,
    /// The length, and whether the cell is quoted in the lowest bit.
    length: u32,
}

impl Span {
    const ABSENT: Self = Self {
        start: u32::MAX,
        length: 0,
    };

    /// Chunks are bounded far below 2 GiB.
    fn new(start: usize, end: usize, quoted: bool) -> Self {
        Self {
            start: start as u32,
            length: ((end - start) as u32) << 1 | u32::from(quoted),
        }
    }
}

impl<'a> Cells<'a> {
    /// Cuts whole records into `width` cells each. Records with fewer cells are filled up,
    /// cells beyond are left out, and both are noted; an empty cell too many is not worth a note.
    pub(crate) fn cut(data: &'a [u8], dialect: Dialect, width: usize, first_line: u64) -> Self {
        let mut cells = Self {
            data,
            spans: Vec::with_capacity(data.len() / 6),
            width,
            quoted: vec![false; width],
            notes: Notes::default(),
        };
        if dialect.comment.is_some() {
            cells.cut_commented(dialect, first_line);
        } else {
            cells.cut_records(dialect, first_line);
        }
        cells
    }

    /// Goes from mark to mark: delimiters and line feeds end a cell, a quote where a cell begins
    /// leads to its end.
    fn cut_records(&mut self, dialect: Dialect, first_line: u64) {
        let data = self.data;
        let mut row = 0;
        // Where the cell begins, and up to where marks have been looked for.
        let (mut start, mut scanned) = (0, 0);
        while scanned < data.len() {
            let base = scanned;
            scanned += BLOCK;
            let mut marks = marks(&data[base..], dialect.delimiter);
            while marks != 0 {
                let at = base + marks.trailing_zeros() as usize;
                marks &= marks - 1;
                let byte = data[at];
                if byte == dialect.delimiter {
                    self.spans.push(Span::new(start, at, false));
                    start = at + 1;
                } else if byte == b'\n' {
                    self.spans.push(Span::new(start, at, false));
                    row = self.end_row(row, at, first_line);
                    start = at + 1;
                } else if at == start {
                    let end = dialect.cell_end(data, start).0;
                    row = self.end_quoted(row, start, end, dialect, first_line);
                    start = end + 1;
                    scanned = start;
                    break;
                }
            }
        }
        if start < data.len() || self.spans.len() > row {
            self.spans
                .push(Span::new(start.min(data.len()), data.len(), false));
            self.end_row(row, data.len(), first_line);
        }
    }

    fn end_quoted(
        &mut self,
        row: usize,
        start: usize,
        end: usize,
        dialect: Dialect,
        first_line: u64,
    ) -> usize {
        if let Some(quoted) = self.quoted.get_mut(self.spans.len() - row) {
            *quoted = true;
        }
        self.spans.push(Span::new(start, end, true));
        if self.data.get(end) == Some(&dialect.delimiter) {
            row
        } else {
            self.end_row(row, end, first_line)
        }
    }

    /// The same where lines may be comments.
    fn cut_commented(&mut self, dialect: Dialect, first_line: u64) {
        let data = self.data;
        let mut row = 0;
        let mut start = 0;
        while start < data.len() || self.spans.len() > row {
            if self.spans.len() == row && dialect.comments(data, start) {
                start = memchr(b'\n', &data[start..]).map_or(data.len(), |at| start + at + 1);
                continue;
            }
            let (end, quoted) = dialect.cell_end(data, start);
            if quoted {
                row = self.end_quoted(row, start, end, dialect, first_line);
            } else {
                self.spans.push(Span::new(start, end, false));
                if data.get(end) != Some(&dialect.delimiter) {
                    row = self.end_row(row, end, first_line);
                }
            }
            start = end + 1;
        }
    }

    /// Makes the row that began with span `row` and ended at byte `end` as wide as the others;
    /// returns where the next row begins.
    #[inline]
    fn end_row(&mut self, row: usize, end: usize, first_line: u64) -> usize {
        if let Some(last) = self.spans.last_mut()
            && last.length > 1
            && self.data[end - 1] == b'\r'
        {
            last.length -= 2;
        }
        let count = self.spans.len() - row;
        if count != self.width || count == 1 {
            self.uneven_row(row, count, end, first_line);
        }
        self.spans.len()
    }

    #[cold]
    fn uneven_row(&mut self, row: usize, count: usize, end: usize, first_line: u64) {
        if count == 1 && self.spans[row].length == 0 {
            // A blank line.
            self.spans.truncate(row);
            return;
        }
        let trailing = count == self.width + 1 && self.spans[row + self.width].length == 0;
        if count != self.width && !trailing {
            self.notes.ragged += 1;
            if self.notes.ragged_first.len() < PLACES_NAMED {
                let start = self.spans[row].start as usize;
                let before = &self.data[..start.min(end)];
                let line = first_line + memchr_iter(b'\n', before).count() as u64;
                self.notes.ragged_first.push((line, count));
            }
        }
        self.spans.resize(row + self.width, Span::ABSENT);
    }

    pub(crate) fn rows(&self) -> usize {
        self.spans.len().checked_div(self.width).unwrap_or(0)
    }

    /// The cells of one column from top to bottom, where none of it is quoted.
    pub(crate) fn plain_column(
        &self,
        column: usize,
    ) -> Option<impl Iterator<Item = Option<&'a [u8]>>> {
        let data = self.data;
        let spans = self.spans.iter().skip(column).step_by(self.width.max(1));
        let quoted = self.quoted.get(column).copied().unwrap_or_default();
        (!quoted).then(|| {
            spans.map(move |span| {
                let start = span.start as usize;
                data.get(start..start + (span.length >> 1) as usize)
            })
        })
    }

    /// The cells of one column from top to bottom.
    pub(crate) fn column(&self, column: usize) -> impl Iterator<Item = Option<Cow<'a, [u8]>>> {
        let data = self.data;
        self.spans
            .iter()
            .skip(column)
            .step_by(self.width.max(1))
            .map(move |span| {
                if span.start == u32::MAX {
                    return None;
                }
                let start = span.start as usize;
                let cell = &data[start..start + (span.length >> 1) as usize];
                Some(if span.length & 1 == 1 {
                    unquote(cell)
                } else {
                    Cow::Borrowed(cell)
                })
            })
    }
}

/// How many bytes are looked at together.
const BLOCK: usize = 64;

/// Which of the first 64 bytes are a delimiter, a line feed or a quote, a bit for each. Written so
/// that the compiler makes vector instructions of it, whatever the machine has.
#[inline]
fn marks(data: &[u8], delimiter: u8) -> u64 {
    let block = match data.first_chunk::<BLOCK>() {
        Some(block) => *block,
        None => {
            // No mark is a zero.
            let mut block = [0; BLOCK];
            block[..data.len()].copy_from_slice(data);
            block
        }
    };
    let flags =
        block.map(|b| u8::from(b == delimiter) | u8::from(b == b'\n') | u8::from(b == QUOTE));
    let eights = flags.as_chunks::<8>().0.iter();
    eights.rev().fold(0, |bits, &eight| {
        // Moves the lowest bit of byte i to bit i of the highest byte.
        let moved = u64::from_le_bytes(eight).wrapping_mul(0x0102_0408_1020_4080);
        bits << 8 | moved >> 56
    })
}

impl Cells<'_> {
    /// The cells of one record, however many there are.
    pub(crate) fn cut_record(record: &[u8], dialect: Dialect) -> Vec<Vec<u8>> {
        let mut cells = Vec::new();
        let mut start = 0;
        if record.is_empty() {
            return cells;
        }
        loop {
            let (end, quoted) = dialect.cell_end(record, start);
            let cell = &record[start..end];
            let last = record.get(end) != Some(&dialect.delimiter);
            let cell = if last {
                cell.strip_suffix(b"\r").unwrap_or(cell)
            } else {
                cell
            };
            cells.push(if quoted {
                unquote(cell).into_owned()
            } else {
                cell.to_vec()
            });
            if last {
                return cells;
            }
            start = end + 1;
        }
    }
}
