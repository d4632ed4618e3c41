//! Splits a chunk of CSV into cells.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};

use super::dialect::Dialect;
use super::marks::{BLOCK, StructuralMask, UniformRows, bits};
use crate::batch::{PLACES_NAMED, ReadDiagnostics};
use crate::parse::Field;

/// The cells of a chunk, row by row.
pub(crate) struct Cells<'a> {
    data: &'a [u8],
    dialect: Dialect,
    layout: Layout,
    width: usize,
    /// Which columns have a quoted cell.
    quoted: Vec<bool>,
    pub(crate) notes: ReadDiagnostics,
}

enum Layout {
    /// See [`UniformRows::ends`].
    UniformRows(Vec<u32>),
    Spans(Vec<Span>),
}

#[derive(Clone, Copy)]
struct Span {
    start: u32,
    length: u32,
}

impl Span {
    const ABSENT: Self = Self {
        start: u32::MAX,
        length: 0,
    };

    /// Chunks are far below 2 GiB.
    fn new(start: usize, end: usize) -> Self {
        Self {
            start: start as u32,
            length: (end - start) as u32,
        }
    }
}

impl<'a> Cells<'a> {
    /// Splits complete records into `width` cells each. Records with fewer cells are padded,
    /// surplus cells are dropped, and both are recorded, except a single empty surplus cell.
    pub(crate) fn cut(data: &'a [u8], dialect: Dialect, width: usize, first_line: u64) -> Self {
        let simple = dialect.comment.is_none() && dialect.escape.is_none() && !dialect.spaced;
        if simple
            && width > 1
            && let Some(even) = UniformRows::cut(data, &dialect, width)
        {
            return Self {
                data,
                dialect,
                layout: Layout::UniformRows(even.ends),
                width,
                quoted: even.quoted,
                notes: ReadDiagnostics::default(),
            };
        }
        let mut cutter = Cutter::new(data, width);
        if simple {
            cutter.cut_records(dialect, first_line);
        } else {
            cutter.cut_cells(dialect, first_line);
        }
        cutter.cells(dialect)
    }

    pub(crate) fn rows(&self) -> usize {
        let cells = match &self.layout {
            Layout::UniformRows(ends) => ends.len() - 1,
            Layout::Spans(spans) => spans.len(),
        };
        cells.checked_div(self.width).unwrap_or(0)
    }

    /// The cells of one column from top to bottom, if the records are uniform and none of the cells
    /// is quoted.
    pub(crate) fn plain_column(&self, column: usize) -> Option<PlainColumn<'_, 'a>> {
        match &self.layout {
            Layout::UniformRows(ends) if !self.quoted[column] => Some(PlainColumn {
                data: self.data,
                ends: ends[column..].chunks(self.width),
                last: column + 1 == self.width,
            }),
            _ => None,
        }
    }

    /// The cells of one column from top to bottom.
    pub(crate) fn column(&self, column: usize) -> impl Iterator<Item = Option<Cow<'a, [u8]>>> {
        (0..self.rows())
            .map(move |row| Some(self.dialect.text(self.cell(row * self.width + column)?)))
    }

    /// A raw cell.
    fn cell(&self, at: usize) -> Option<&'a [u8]> {
        let data = self.data;
        match &self.layout {
            Layout::UniformRows(ends) => {
                let last = (at + 1).is_multiple_of(self.width);
                let (start, end) = place(data, ends[at], ends[at + 1], last);
                Some(&data[start..end])
            }
            Layout::Spans(spans) => {
                let Span { start, length } = spans[at];
                Some(&data.get(start as usize..)?[..length as usize])
            }
        }
    }
}

/// The span of a cell, from the ends of the previous cell and its own. A carriage return at the end
/// of the last cell belongs to the line end.
#[inline(always)]
fn place(data: &[u8], before: u32, end: u32, last: bool) -> (usize, usize) {
    let (start, end) = (before.wrapping_add(1) as usize, end as usize);
    let returns = last && end > start && data[end - 1] == b'\r';
    (start, end - usize::from(returns))
}

/// The cells of one column, none of them quoted.
pub(crate) struct PlainColumn<'c, 'a> {
    data: &'a [u8],
    /// One chunk for each record, from the end of the previous cell.
    ends: std::slice::Chunks<'c, u32>,
    last: bool,
}

impl<'a> Iterator for PlainColumn<'_, 'a> {
    type Item = Option<Field<'a>>;

    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        // The last chunk may only have the end of the last record.
        let &[before, end, ..] = self.ends.next()? else {
            return None;
        };
        let (start, end) = place(self.data, before, end, self.last);
        Some(Some(Field::new(self.data.get(start..)?, end - start)))
    }
}

/// Splits records of any form.
struct Cutter<'a> {
    data: &'a [u8],
    spans: Vec<Span>,
    width: usize,
    quoted: Vec<bool>,
    notes: ReadDiagnostics,
}

impl<'a> Cutter<'a> {
    fn new(data: &'a [u8], width: usize) -> Self {
        Self {
            data,
            spans: Vec::with_capacity(data.len() / 6),
            width,
            quoted: vec![false; width],
            notes: ReadDiagnostics::default(),
        }
    }

    fn cells(self, dialect: Dialect) -> Cells<'a> {
        Cells {
            data: self.data,
            dialect,
            layout: Layout::Spans(self.spans),
            width: self.width,
            quoted: self.quoted,
            notes: self.notes,
        }
    }

    /// Scans from mark to mark: delimiters and line feeds end a cell; a quote at the start of a
    /// cell skips to its end.
    fn cut_records(&mut self, dialect: Dialect, first_line: u64) {
        let data = self.data;
        let mut row = 0;
        // The start of the cell, and the end of the scanned part.
        let (mut start, mut scanned) = (0, 0);
        while scanned < data.len() {
            let base = scanned;
            scanned += BLOCK;
            let marks = StructuralMask::of(&data[base..], &dialect);
            for place in bits(marks.delimiters | marks.line_feeds | marks.quotes) {
                let at = base + place;
                let byte = data[at];
                if byte == dialect.delimiter {
                    self.spans.push(Span::new(start, at));
                    start = at + 1;
                } else if byte == b'\n' {
                    self.spans.push(Span::new(start, at));
                    row = self.end_row(row, at, first_line);
                    start = at + 1;
                } else if at == start {
                    let (end, quoted) = dialect.cell_end(data, start);
                    if !quoted {
                        self.note_stray(start, first_line);
                        continue;
                    }
                    row = self.end_quoted(row, start, end, dialect, first_line);
                    start = end + 1;
                    scanned = start;
                    break;
                }
            }
        }
        if start < data.len() || self.spans.len() > row {
            self.spans
                .push(Span::new(start.min(data.len()), data.len()));
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
        self.spans.push(Span::new(start, end));
        if self.data.get(end) == Some(&dialect.delimiter) {
            row
        } else {
            self.end_row(row, end, first_line)
        }
    }

    /// The same with comments or escapes.
    fn cut_cells(&mut self, dialect: Dialect, first_line: u64) {
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
                if data
                    .get(start)
                    .is_some_and(|&byte| Some(byte) == dialect.quote)
                {
                    self.note_stray(start, first_line);
                }
                self.spans.push(Span::new(start, end));
                if data.get(end) != Some(&dialect.delimiter) {
                    row = self.end_row(row, end, first_line);
                }
            }
            start = end + 1;
        }
    }

    /// Records a literal quote at the start of a cell.
    #[cold]
    fn note_stray(&mut self, start: usize, first_line: u64) {
        self.notes.strays += 1;
        if self.notes.stray_line.is_none() {
            let before = memchr_iter(b'\n', &self.data[..start]).count() as u64;
            self.notes.stray_line = Some(first_line + before);
        }
    }

    /// Pads or cuts the row that began with span `row` and ended at byte `end`; returns the start
    /// of the next row.
    #[inline]
    fn end_row(&mut self, row: usize, end: usize, first_line: u64) -> usize {
        if let Some(last) = self.spans.last_mut()
            && last.length > 0
            && self.data[end - 1] == b'\r'
        {
            last.length -= 1;
        }
        let count = self.spans.len() - row;
        if count != self.width || count == 1 {
            self.uneven_row(row, count, end, first_line);
        }
        self.spans.len()
    }

    #[cold]
    fn uneven_row(&mut self, row: usize, count: usize, end: usize, first_line: u64) {
        if count == 1 && self.is_blank(self.spans[row]) {
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

    /// Whether the only cell of a line is unquoted and blank.
    fn is_blank(&self, span: Span) -> bool {
        let start = span.start as usize;
        let cell = &self.data[start..start + span.length as usize];
        cell.iter().all(|&byte| matches!(byte, b' ' | b'\t'))
    }
}

impl Cells<'_> {
    /// All cells of one record.
    pub(crate) fn cut_record(record: &[u8], dialect: Dialect) -> Vec<Vec<u8>> {
        let mut cells = Vec::new();
        let mut start = 0;
        if record.is_empty() {
            return cells;
        }
        loop {
            let (end, _) = dialect.cell_end(record, start);
            let cell = &record[start..end];
            let last = record.get(end) != Some(&dialect.delimiter);
            let cell = if last {
                cell.strip_suffix(b"\r").unwrap_or(cell)
            } else {
                cell
            };
            cells.push(dialect.text(cell).into_owned());
            if last {
                return cells;
            }
            start = end + 1;
        }
    }
}
