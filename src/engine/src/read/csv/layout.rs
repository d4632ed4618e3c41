//! The position of the rows in a CSV file.

use super::dialect::Dialect;

/// Where the rows are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    pub(crate) dialect: Dialect,
    /// Lines before the first row.
    pub(crate) lines: u64,
    /// The first row names the columns.
    pub(crate) header: bool,
    /// The first column has no name, and no cell in the header.
    pub(crate) row_names: bool,
    /// Cells of most rows.
    pub(crate) width: usize,
}
