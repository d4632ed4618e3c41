//! How a dataset was read: what was given, detected, and tolerated.

use serde::{Deserialize, Serialize};

use crate::DateOrder;
use crate::profile::Warning;

/// How a dataset was read, in its description and every profile. Options that do not apply to the
/// format are `null`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(default)]
pub struct ReadReport {
    /// The encoding, by its WHATWG name.
    pub encoding: Option<String>,
    /// The delimiter.
    pub delimiter: Option<String>,
    /// The quote; empty if quoting is off.
    pub quote: Option<String>,
    /// Whether the first row names the columns.
    pub header: Option<bool>,
    /// The sheet of a workbook.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// Lines skipped before the header.
    pub skipped_lines: u64,
    /// The decimal mark.
    pub decimal: Option<String>,
    /// The order of day, month and year in numeric dates.
    pub date_order: Option<DateOrder>,
    /// Uncertain decisions, and tolerated irregularities.
    pub warnings: Vec<ReadWarning>,
    /// The decision of each step, and its certainty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<ReadStep>,
}

/// A warning about how the data was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ReadWarning {
    /// A stable name; docs/analyses.md lists all.
    pub code: String,
    /// The line of the first occurrence, counted from 1, if there is one.
    pub line: Option<u64>,
    /// How often it occurred: lines, cells or columns, whichever the code is about.
    pub count: u64,
    /// One sentence, with the option that changes it.
    pub detail: String,
}

impl ReadWarning {
    /// Every code of a text's warnings.
    pub const CODES: [&str; 33] = [
        "guessed_encoding",
        "replaced_characters",
        "inner_boms",
        "sep_line",
        "cr_line_ends",
        "mixed_line_ends",
        "doubled_line_ends",
        "stray_quotes",
        "backslash_escapes",
        "single_quotes",
        "spaced_quotes",
        "skipped_lines",
        "footer",
        "ctrl_z",
        "row_names",
        "no_header",
        "doubtful_header",
        "empty_header",
        "duplicate_header",
        "ragged_rows",
        "decimal_comma",
        "thousands_marks",
        "percentages",
        "currencies",
        "odd_negatives",
        "day_first_dates",
        "month_first_dates",
        "two_digit_years",
        "formula_texts",
        "long_integers",
        "rounded_numbers",
        "ambiguous_numbers",
        "ambiguous_dates",
    ];
}

impl From<Warning> for ReadWarning {
    fn from(warning: Warning) -> Self {
        Self {
            code: warning.code,
            line: None,
            count: warning.count,
            detail: warning.detail,
        }
    }
}

impl From<&ReadWarning> for Warning {
    fn from(warning: &ReadWarning) -> Self {
        Self {
            code: warning.code.clone(),
            detail: warning.detail.clone(),
            count: warning.count,
        }
    }
}

/// The decision of one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ReadStep {
    /// `encoding`, `dialect`, `header`, `types` or `refinement`.
    pub step: String,
    /// The decision.
    pub decision: String,
    /// Its certainty.
    pub certainty: Certainty,
}

/// The certainty of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Certainty {
    /// Given by an option.
    Given,
    /// The data allow nothing else.
    Certain,
    /// The data support it.
    Likely,
    /// The data do not contradict it.
    Assumed,
}
