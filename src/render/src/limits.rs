//! How much each format shows: limits on time, size and what is readable. A workbook has
//! everything that fits into its sheets, written row by row.

/// The limits of one format.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Columns of a profile that get a card with charts.
    pub(crate) cards: usize,
    /// Columns of a profile in the summary.
    pub(crate) summary: usize,
    /// Columns of a heat map.
    pub(crate) heatmap: usize,
    /// Pairs of columns in a list.
    pub(crate) pairs: usize,
    /// Rows of a query result.
    pub(crate) rows: usize,
    /// Columns of a query result.
    pub(crate) columns: usize,
    /// Cells of a query result: more columns mean fewer rows.
    pub(crate) cells: usize,
    /// Bytes of a query result's values: longer texts mean fewer rows.
    pub(crate) bytes: usize,
    /// The width of a cell, in columns of text.
    pub(crate) width: usize,
    /// The width of a portrait page, in columns of text: pages with wider tables are landscape, and
    /// tables wider than one and a half lines are split. `None` if pages are not limited.
    pub(crate) line: Option<usize>,
}

impl Limits {
    /// How many rows are shown of a result with so many columns.
    pub(crate) fn rows_of(&self, columns: usize) -> usize {
        self.rows
            .min(self.cells / columns.clamp(1, self.columns.max(1)))
    }
}

/// HTML. A card takes about six kilobytes; if there are many, they are collapsed, and browsers
/// lay them out when they are opened.
pub(crate) const HTML: Limits = Limits {
    cards: 500,
    summary: 2_000,
    heatmap: 30,
    pairs: 500,
    rows: 5_000,
    columns: 200,
    cells: 200_000,
    bytes: 16 << 20,
    width: 200,
    line: None,
};

/// PDF. Layout takes a hundred times as long as writing, and cannot be interrupted.
pub(crate) const PDF: Limits = Limits {
    cards: 60,
    summary: 300,
    heatmap: 30,
    pairs: 100,
    rows: 400,
    columns: 60,
    cells: 3_000,
    bytes: 2 << 20,
    width: 60,
    line: Some(105),
};

/// Markdown.
pub(crate) const MARKDOWN: Limits = Limits {
    cards: 100,
    summary: 2_000,
    heatmap: 30,
    pairs: 500,
    rows: 1_000,
    columns: 50,
    cells: 20_000,
    bytes: 4 << 20,
    width: 200,
    line: None,
};

/// The text of a workbook; its columns and rows come from the analysis itself.
pub(crate) const XLSX: Limits = Limits {
    cards: 0,
    summary: 0,
    heatmap: 0,
    pairs: 0,
    rows: 0,
    columns: 0,
    cells: 0,
    bytes: 0,
    width: 0,
    line: None,
};
