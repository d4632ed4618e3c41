//! How much each format shows: limits on time, size and the patience of readers. A workbook has
//! everything that fits into its sheets, written row by row.

/// The bounds of one format.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Columns of a profile with a section and charts of their own.
    pub(crate) cards: usize,
    /// Columns of a profile with a row in the summary.
    pub(crate) summary: usize,
    /// Columns of a heat map.
    pub(crate) heatmap: usize,
    /// Pairs of columns in a list of them.
    pub(crate) pairs: usize,
    /// Rows of an answer.
    pub(crate) rows: usize,
    /// Columns of an answer.
    pub(crate) columns: usize,
    /// Cells of an answer, by which many columns mean fewer rows.
    pub(crate) cells: usize,
    /// Bytes of an answer's values, by which long texts mean fewer rows.
    pub(crate) bytes: usize,
    /// The width of a cell, in columns of text.
    pub(crate) width: usize,
    /// The width of an upright page, in columns of text: wider tables lie on their side, and
    /// those of more than one and a half such lines are split. `None` where pages have no end.
    pub(crate) line: Option<usize>,
}

impl Limits {
    /// How many rows of an answer with so many columns are shown.
    pub(crate) fn rows_of(&self, columns: usize) -> usize {
        self.rows
            .min(self.cells / columns.clamp(1, self.columns.max(1)))
    }
}

/// The page. A card takes about six kilobytes; those of many columns are closed until they are
/// asked for, and a browser lays out none of them before.
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

/// The PDF. Setting pages takes a hundred times as long as writing them, and cannot be
/// interrupted.
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

/// The text of the workbook; what it has of columns and rows it takes from the analysis itself.
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
