//! How a dataset is to be read, and what counts as worth an alert: the optional part of an
//! analysis request.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The cells that are missing values unless a request says otherwise.
pub const DEFAULT_MISSING: [&str; 7] = ["", "NA", "N/A", "NaN", "null", "NULL", "None"];

/// Different missing values that a request may name.
const MAX_MISSING: usize = 1_000;

/// An option that makes no sense, whatever the data is.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the option `{option}` is not valid: {detail}")]
pub struct InvalidOption {
    /// The name of the option.
    pub option: &'static str,
    /// What is wrong with it.
    pub detail: String,
}

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

impl ProfileOptions {
    /// Whether the options make sense.
    ///
    /// # Errors
    /// Where one does not; the first is named.
    pub fn check(&self) -> Result<(), InvalidOption> {
        self.read.check()?;
        self.alerts.check()
    }
}

impl ReadOptions {
    /// Whether the options make sense.
    ///
    /// # Errors
    /// Where one does not; the first is named.
    pub fn check(&self) -> Result<(), InvalidOption> {
        if self.missing.as_ref().map_or(0, Vec::len) > MAX_MISSING {
            return Err(invalid(
                "missing",
                format!("more than {MAX_MISSING} values"),
            ));
        }
        for (option, mark) in [("delimiter", self.delimiter), ("comment", self.comment)] {
            if mark.is_some_and(|mark| !mark.is_ascii() || "\"\n\r\0".contains(mark)) {
                let allowed = "one ASCII character other than quotes and line ends is wanted";
                return Err(invalid(option, allowed));
            }
        }
        if self.comment.is_some() && self.comment == self.delimiter {
            return Err(invalid("comment", "it is the delimiter"));
        }
        let decimal = self.decimal.unwrap_or('.');
        if !matches!(decimal, '.' | ',') {
            return Err(invalid(
                "decimal",
                format!("{decimal:?} is neither . nor ,"),
            ));
        }
        match self.thousands {
            Some(mark) if !mark.is_ascii() || mark.is_ascii_alphanumeric() => Err(invalid(
                "thousands",
                format!("{mark:?} is not an ASCII mark"),
            )),
            Some(mark) if mark == decimal => Err(invalid("thousands", "it is the decimal mark")),
            _ => Ok(()),
        }
    }
}

impl Thresholds {
    /// Whether the thresholds make sense.
    ///
    /// # Errors
    /// Where one does not; the first is named.
    pub fn check(&self) -> Result<(), InvalidOption> {
        let fractions = [
            ("missing", self.missing),
            ("imbalanced", self.imbalanced),
            ("zeros", self.zeros),
            ("high_correlation", self.high_correlation),
            ("mixed_types", self.mixed_types),
        ];
        for (option, fraction) in fractions {
            if !(0.0..=1.0).contains(&fraction) {
                return Err(invalid(option, format!("{fraction} is not from 0 to 1")));
            }
        }
        if self.skewed >= 0.0 {
            Ok(())
        } else {
            Err(invalid("skewed", format!("{} is less than 0", self.skewed)))
        }
    }
}

fn invalid(option: &'static str, detail: impl Into<String>) -> InvalidOption {
    InvalidOption {
        option,
        detail: detail.into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn options_that_make_no_sense_are_named() {
        for (options, named) in [
            (r#"{"read": {"decimal": ";"}}"#, "decimal"),
            (r#"{"read": {"thousands": "."}}"#, "thousands"),
            (r#"{"read": {"thousands": "x"}}"#, "thousands"),
            (
                r#"{"read": {"thousands": ",", "decimal": ","}}"#,
                "thousands",
            ),
            (r#"{"read": {"delimiter": "é"}}"#, "delimiter"),
            (r#"{"read": {"comment": "\""}}"#, "comment"),
            (r#"{"read": {"comment": ";", "delimiter": ";"}}"#, "comment"),
            (r#"{"alerts": {"missing": 2}}"#, "missing"),
            (r#"{"alerts": {"zeros": -0.1}}"#, "zeros"),
            (r#"{"alerts": {"skewed": -1}}"#, "skewed"),
        ] {
            let options: ProfileOptions = serde_json::from_str(options).unwrap();
            assert_eq!(options.check().unwrap_err().option, named);
        }
        assert_eq!(ProfileOptions::default().check(), Ok(()));
        let read =
            r##"{"read": {"decimal": ",", "thousands": ".", "delimiter": ";", "comment": "#"}}"##;
        let options: ProfileOptions = serde_json::from_str(read).unwrap();
        assert_eq!(options.check(), Ok(()));
    }
}
