//! Options of an analysis: alert thresholds, and invalid options. Read options are in
//! `read_options`.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ReadOptions;
use crate::check::{DEFAULT_EXAMPLES, MAX_EXAMPLES};
use crate::compare::DriftThresholds;

/// An option that makes no sense, whatever the data is.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the option `{option}` is not valid: {detail}")]
pub struct InvalidOption {
    /// The name of the option.
    pub option: Cow<'static, str>,
    /// What is wrong with it.
    pub detail: String,
}

/// The thresholds of alerts. Fractions are of rows (of non-missing cells if the alert is about
/// values), 0 to 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default, expecting = "an object of thresholds")]
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
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default, expecting = "an object of options")]
pub struct ProfileOptions {
    /// How to read the data.
    pub read: ReadOptions,
    /// The thresholds of alerts.
    pub alerts: Thresholds,
}

impl ProfileOptions {
    /// Checks the options.
    ///
    /// # Errors
    /// The first invalid option.
    pub fn check(&self) -> Result<(), InvalidOption> {
        self.read.check()?;
        self.alerts.check()
    }
}

/// The options of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default, expecting = "an object of options")]
pub struct CompareOptions {
    /// Read options of both datasets, overriding their own.
    pub read: ReadOptions,
    /// The thresholds of changes.
    pub thresholds: DriftThresholds,
    /// Accepted without effect: a comparison raises no alerts.
    #[serde(skip_serializing)]
    #[cfg_attr(feature = "schema", schema(ignore))]
    pub alerts: Thresholds,
}

impl CompareOptions {
    /// Checks the options.
    ///
    /// # Errors
    /// The first invalid option.
    pub fn check(&self) -> Result<(), InvalidOption> {
        self.read.check()?;
        self.thresholds.check()
    }
}

/// The options of the checks of a contract.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default, expecting = "an object of options")]
pub struct CheckOptions {
    /// How to read the data.
    pub read: ReadOptions,
    /// How many failing rows each check shows, up to 100.
    #[cfg_attr(feature = "schema", schema(maximum = 100))]
    pub examples: usize,
}

impl Default for CheckOptions {
    fn default() -> Self {
        Self {
            read: ReadOptions::default(),
            examples: DEFAULT_EXAMPLES,
        }
    }
}

impl CheckOptions {
    /// Checks the options.
    ///
    /// # Errors
    /// The first invalid option.
    pub fn check(&self) -> Result<(), InvalidOption> {
        if self.examples > MAX_EXAMPLES {
            let detail = format!("{} is more than {MAX_EXAMPLES}", self.examples);
            return Err(InvalidOption::new("examples", detail));
        }
        self.read.check()
    }
}

impl Thresholds {
    /// Checks the thresholds.
    ///
    /// # Errors
    /// The first invalid option.
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
                return Err(InvalidOption::new(
                    option,
                    format!("{fraction} is not from 0 to 1"),
                ));
            }
        }
        if self.skewed >= 0.0 {
            Ok(())
        } else {
            Err(InvalidOption::new(
                "skewed",
                format!("{} is less than 0", self.skewed),
            ))
        }
    }
}

impl InvalidOption {
    /// An error about the option of this name.
    pub fn new(option: impl Into<Cow<'static, str>>, detail: impl Into<String>) -> Self {
        Self {
            option: option.into(),
            detail: detail.into(),
        }
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
