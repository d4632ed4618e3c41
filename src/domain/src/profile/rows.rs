//! Row-level parts of a profile: samples, duplicates, and missing-value patterns.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Some rows of the dataset.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = RowSample))]
pub struct Sample {
    /// The columns of the cells, the first of the dataset.
    pub columns: Vec<String>,
    /// The first rows.
    pub first: Vec<SampleRow>,
    /// Rows at random, the same in every profile of the same bytes.
    pub random: Vec<SampleRow>,
    /// The last rows.
    pub last: Vec<SampleRow>,
}

impl Sample {
    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.first.is_empty()
    }
}

/// A row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SampleRow {
    /// Its number among the rows, from 1 on.
    pub row: u64,
    /// Its cells; null where one is missing. Long texts are cut, and numbers that no double holds
    /// are texts.
    pub cells: Vec<Value>,
}

/// A row that repeats an earlier one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DuplicateRow {
    /// The number of the row that is repeated.
    pub first: u64,
    /// The number of the row that repeats it.
    pub row: u64,
    /// The cells, of the columns of [`Sample::columns`].
    pub cells: Vec<Value>,
}

/// Columns in which cells are missing in the same rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct MissingPattern {
    /// The columns without a value.
    pub columns: Vec<String>,
    /// In how many rows exactly these are missing.
    pub rows: u64,
}

/// Which cells are missing together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct MissingPatterns {
    /// Rows in which no cell is missing.
    pub complete_rows: u64,
    /// The most frequent patterns of the other rows.
    pub patterns: Vec<MissingPattern>,
    /// Rows of other patterns.
    pub other_rows: u64,
}
