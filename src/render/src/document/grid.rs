//! Tables, and texts that may be truncated.

use serde::Serialize;

use super::Block;
use crate::text::{FULL, clean, shorten, width};

/// A text that may have been shortened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Text {
    /// The text that is shown.
    pub short: String,
    /// The full text, up to [`FULL`]; empty if it is the same.
    pub full: String,
}

impl Text {
    /// A text that needs no sanitising.
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self {
            short: text.into(),
            full: String::new(),
        }
    }

    /// Cleans and shortens to `width` columns.
    pub(crate) fn new(text: &str, width: usize) -> Self {
        let short = shorten(text, width);
        let full = if short == clean(text) {
            String::new()
        } else {
            shorten(text, FULL)
        };
        Self { short, full }
    }
}

/// A table; every row has a cell for each column.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Table {
    /// The header.
    pub columns: Vec<TableColumn>,
    /// The body.
    pub rows: Vec<Vec<Text>>,
    /// The caption, for screen readers.
    pub caption: String,
    /// The number of the card that each row links to, 0 for none; may be shorter than the rows.
    pub links: Vec<usize>,
}

impl Table {
    /// A table; computes the widths of its columns.
    pub(crate) fn new(mut columns: Vec<TableColumn>, rows: Vec<Vec<Text>>, caption: &str) -> Self {
        for (i, column) in columns.iter_mut().enumerate() {
            let cells = rows
                .iter()
                .filter_map(|row| row.get(i))
                .map(|cell| width(&cell.short));
            let longest = cells
                .chain([width(&column.title.short), width(&column.note)])
                .max();
            column.weight = longest.unwrap_or(0).clamp(3, 40);
        }
        Self {
            columns,
            rows,
            caption: caption.to_owned(),
            links: Vec::new(),
        }
    }

    /// The width of the table, in columns of text.
    pub(super) fn line(&self) -> usize {
        self.columns.iter().map(|column| column.weight + 2).sum()
    }

    /// Splits the table by columns, so that no part is wider than `line` columns of text, except a
    /// single column that is.
    pub(super) fn split(self, line: usize) -> Vec<Block> {
        if self.line() <= line {
            return vec![Block::Table(self)];
        }
        let mut parts = Vec::new();
        let mut first = 0;
        while first < self.columns.len() {
            let mut end = first + 1;
            let mut used = self.columns[first].weight + 2;
            while end < self.columns.len() && used + self.columns[end].weight + 2 <= line {
                used += self.columns[end].weight + 2;
                end += 1;
            }
            parts.push(Block::Table(Self {
                columns: self.columns[first..end].to_vec(),
                rows: self
                    .rows
                    .iter()
                    .map(|row| row[first..end].to_vec())
                    .collect(),
                caption: format!("Columns {} to {end} of {}", first + 1, self.columns.len()),
                links: Vec::new(),
            }));
            first = end;
        }
        parts
    }

    /// The number of the card that a row links to, 0 for none.
    pub(crate) fn link(&self, row: &usize) -> usize {
        self.links.get(*row).copied().unwrap_or(0)
    }
}

/// A column of a [`Table`].
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TableColumn {
    /// The header.
    pub title: Text,
    /// A second, small line of the header; may be empty.
    pub note: String,
    /// Whether its cells are numbers, which are aligned right.
    pub figures: bool,
    /// Whether its cells are dates or times, which do not wrap.
    pub is_time: bool,
    /// The width of its texts, in columns of text, within bounds.
    pub weight: usize,
}

impl TableColumn {
    /// A column of numbers or of text.
    pub(crate) fn new(title: &str, figures: bool) -> Self {
        Self {
            title: Text::new(title, 60),
            note: String::new(),
            figures,
            is_time: false,
            weight: 0,
        }
    }
}
