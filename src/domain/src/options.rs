//! How a dataset is to be read, and what counts as worth an alert: the optional part of an
//! analysis request.

use serde::{Deserialize, Serialize};

/// The cells that are missing values unless a request says otherwise.
pub const DEFAULT_MISSING: [&str; 7] = ["", "NA", "N/A", "NaN", "null", "NULL", "None"];

/// How to read a text dataset. Everything left out is found out from the data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReadOptions {
    /// The cells that are missing values, in place of [`DEFAULT_MISSING`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<Vec<String>>,
    /// The delimiter, one ASCII character, in place of the one that sniffing finds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<char>,
    /// Lines that begin with this ASCII character are comments.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<char>,
    /// The decimal mark, `.` or `,`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimal: Option<char>,
    /// The mark between groups of three digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thousands: Option<char>,
    /// The sheet of a workbook, by name; the first when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
}

/// From where on an alert is raised. Fractions are of rows (of non-missing cells where the
/// alert is about values), 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Thresholds {
    /// `missing`: fraction of missing cells.
    pub missing: f64,
    /// `high_cardinality`: distinct values of a text column.
    pub high_cardinality: u64,
    /// `imbalanced`: fraction of the most frequent value of a column with few values.
    pub imbalanced: f64,
    /// `skewed`: absolute skewness.
    pub skewed: f64,
    /// `zeros`: fraction of zeros.
    pub zeros: f64,
    /// `high_correlation`: absolute Pearson or Spearman coefficient.
    pub high_correlation: f64,
    /// `mixed_types`: fraction of numbers, dates and booleans in a text column that also has
    /// words.
    pub mixed_types: f64,
}

impl Default for Thresholds {
    fn default() -> Self {
        Self {
            missing: 0.05,
            high_cardinality: 50,
            imbalanced: 0.9,
            skewed: 2.0,
            zeros: 0.5,
            high_correlation: 0.9,
            mixed_types: 0.05,
        }
    }
}

/// The options of a profile.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProfileOptions {
    /// How to read the data.
    pub read: ReadOptions,
    /// From where on an alert is raised.
    pub alerts: Thresholds,
}
