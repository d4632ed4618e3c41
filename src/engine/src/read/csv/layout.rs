//! The position of the rows in a CSV file.

use super::dialect::Dialect;

/// The position of the rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) dialect: Dialect,
    /// Lines before the first row.
    pub(crate) lines: u64,
    /// Whether the first row is a header.
    pub(crate) header: bool,
    /// Whether the first column has row names, and no cell in the header.
    pub(crate) row_names: bool,
    /// The number of cells of most rows.
    pub(crate) width: usize,
}
