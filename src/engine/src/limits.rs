//! Division of the configured memory.

/// What one analysis may hold in memory, in bytes unless noted otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Limits {
    /// A chunk of input.
    pub(crate) chunk: usize,
    /// The most chunks at once, read or parsed.
    pub(crate) chunks: usize,
    /// The largest record, and the largest cell.
    pub(crate) record: usize,
    /// The most cells of a batch, unless a single row has more.
    pub(crate) cells: usize,
    /// The most bytes of a batch's cells, unless a single row has more: cells that share their
    /// bytes count once.
    pub(crate) batch: usize,
    /// The pages of a columnar file that are decoded at the same time.
    pub(crate) pages: usize,
    /// Exact values and counts of all columns together.
    pub(crate) columns: usize,
    /// The rows that rank correlations are computed from.
    pub(crate) rank_rows: usize,
    /// Hashes of rows, to count duplicates exactly.
    pub(crate) row_hashes: usize,
}

/// The minimum memory of an analysis.
pub(crate) const MIN_MEMORY: u64 = 8 << 20;

impl Limits {
    /// Divides the `bytes` of one analysis.
    pub(crate) fn new(bytes: u64) -> Self {
        let part = |of: u64| usize::try_from(bytes / of).unwrap_or(usize::MAX);
        let chunk = part(64).clamp(16 << 10, 512 << 10);
        Self {
            chunk,
            // Parsed, short cells take eight times their bytes.
            chunks: (part(8) / (8 * chunk)).max(2),
            record: part(16).clamp(1 << 20, 64 << 20),
            // A chunk of the shortest cells has at most half as many.
            cells: chunk,
            batch: 4 * chunk,
            pages: part(4),
            columns: part(2),
            rank_rows: part(4),
            row_hashes: part(8),
        }
    }

    /// The most rows of a batch with so many columns.
    pub(crate) fn rows(&self, width: usize) -> usize {
        (self.cells / width.max(1)).max(1)
    }
}
