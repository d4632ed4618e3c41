//! Detects footers and the DOS end-of-file mark.

use crate::parse::{CellRules, Field, TypeSet};
use crate::read::csv::cells::Cells;
use crate::read::csv::dialect::Dialect;
use crate::read::records::{Splitter, is_blank};
use crate::tail::Tail;

/// The minimum number of bytes at the end of a text that are inspected.
pub(crate) const TAIL: usize = 8 << 10;
/// The most rows of a footer.
const ROWS: usize = 20;
/// The DOS end-of-file mark.
const CTRL_Z: u8 = 0x1a;

/// The first words of footers.
const WORDS: [&str; 33] = [
    "total",
    "totals",
    "subtotal",
    "grand",
    "sum",
    "average",
    "mean",
    "count",
    "source",
    "sources",
    "note",
    "notes",
    "footnote",
    "end",
    "generated",
    "exported",
    "created",
    "copyright",
    "legend",
    "disclaimer",
    "remark",
    "remarks",
    "summe",
    "gesamt",
    "gesamtsumme",
    "insgesamt",
    "quelle",
    "hinweis",
    "somme",
    "totaal",
    "totale",
    "suma",
    "итого",
];

/// Distinguishes the rows of a table from the lines after them.
#[derive(Clone, Debug)]
pub(crate) struct Footer {
    pub(crate) dialect: Dialect,
    /// Cells of a row.
    pub(crate) width: usize,
    /// The types of the cells of the first column.
    pub(crate) first: TypeSet,
    /// Whether footers are removed.
    pub(crate) leave_out: bool,
}

impl Footer {
    /// Removes lines that are not rows from the end of a text; `text` has the last records.
    pub(crate) fn take_off(&self, text: &mut Vec<u8>, first_line: u64, rules: &CellRules) -> Tail {
        let mut tail = Tail::default();
        let line_of = |text: &[u8], at: usize| {
            first_line + memchr::memchr_iter(b'\n', &text[..at]).count() as u64
        };
        let ending = text
            .iter()
            .rposition(|byte| !matches!(byte, b'\r' | b'\n' | b' '));
        if let Some(at) = ending.filter(|&at| text[at] == CTRL_Z) {
            tail.ctrl_z = Some(line_of(text, at));
            text.truncate(at);
        }
        if let Some(start) = self.start(text, rules) {
            let line = line_of(text, start);
            let rest = text[start..].trim_ascii();
            let lines = memchr::memchr_iter(b'\n', rest).count() as u64 + 1;
            tail.footer = Some((line, lines));
            text.truncate(start);
        }
        tail
    }

    /// The start of the footer.
    fn start(&self, text: &[u8], rules: &CellRules) -> Option<usize> {
        if !self.leave_out || self.width < 2 {
            return None;
        }
        // The narrow rows at the end, each with its position and whether blank lines precede it.
        let mut narrow: Vec<(usize, Vec<Vec<u8>>, bool)> = Vec::new();
        let (mut start, mut apart, mut full) = (0, false, false);
        while start < text.len() {
            let end = self.dialect.record_end(text, start).unwrap_or(text.len());
            let record = &text[start..end];
            if is_blank(record, self.dialect.delimiter) {
                apart = true;
            } else if !self.dialect.comments(record, 0) {
                let record = record.strip_suffix(b"\n").unwrap_or(record);
                let cells = Cells::cut_record(record, self.dialect);
                if self.is_narrow(&cells) || self.is_total(&cells, rules) {
                    narrow.push((start, cells, apart));
                } else {
                    narrow.clear();
                    full = true;
                }
                apart = false;
            }
            start = end;
        }
        if !full || narrow.len() > ROWS {
            return None;
        }
        let begins =
            |(_, cells, apart): &&(usize, Vec<Vec<u8>>, bool)| *apart || self.is_note(cells, rules);
        narrow.iter().find(begins).map(|(start, _, _)| *start)
    }

    /// Whether a record has fewer cells than a row, or only a first cell that is not empty.
    fn is_narrow(&self, cells: &[Vec<u8>]) -> bool {
        let padded = self.width > 2 && cells.iter().skip(1).all(Vec::is_empty);
        cells.len() < self.width || padded
    }

    /// Whether a record of full width is not a row: a rule, or numbers after a word that begins
    /// footers, if the first column has no words.
    fn is_total(&self, cells: &[Vec<u8>], rules: &CellRules) -> bool {
        let other = || {
            let first = rules.classify(Field::from(cells[0].as_slice()));
            self.first.and(first).is_text()
        };
        self.is_typed() && may_be_total(cells) && other()
    }

    /// Whether the type of the first column is known and not text.
    fn is_typed(&self) -> bool {
        self.first != TypeSet::ALL && !self.first.is_text()
    }

    /// Whether a first cell does not belong to its column: words in a column without words, a word
    /// that begins footers, a rule.
    fn is_note(&self, cells: &[Vec<u8>], rules: &CellRules) -> bool {
        let cell = cells[0].as_slice();
        let text = String::from_utf8_lossy(cell);
        let text = text.trim();
        // A single word in a row of full width may be a value.
        let single = cells.len() == self.width && !text.contains([' ', ':']);
        let known = begins_with_word(text) && !single;
        let rule = text.starts_with(['(', '*', '#', '©', '=']) || text.starts_with("--");
        let other = || self.first.and(rules.classify(Field::from(cell))).is_text();
        let words = text.chars().any(char::is_alphabetic) && !rules.is_missing(cell);
        known || rule || self.is_typed() && words && other()
    }
}

/// Whether a record may be a total of those above it: it begins with a word that begins footers, or
/// consists of rules.
pub(super) fn may_be_total(cells: &[Vec<u8>]) -> bool {
    let rule = |cell: &Vec<u8>| {
        let cell = cell.trim_ascii();
        cell.len() > 1 && cell.iter().all(|byte| matches!(byte, b'-' | b'=' | b'_'))
    };
    let first = cells.first().map(|cell| String::from_utf8_lossy(cell));
    first.is_some_and(|first| begins_with_word(&first)) || cells.iter().all(rule)
}

/// Whether a text begins with a word that begins footers.
fn begins_with_word(text: &str) -> bool {
    let text = text.trim();
    let word: String = text.chars().take_while(|c| c.is_alphabetic()).collect();
    WORDS.contains(&word.to_lowercase().as_str())
}
