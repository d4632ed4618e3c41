//! The result of an analysis of `kind: "compare"`: the wire format.

use serde::{Deserialize, Serialize};

use serde_json::Value;

use crate::InvalidOption;
use crate::profile::{ColumnType, Number, digits_within};

/// What changed from a baseline to a candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Comparison {
    /// The baseline.
    pub baseline: Side,
    /// The candidate.
    pub candidate: Side,
    /// The columns of the baseline in their order, then those that are new.
    pub columns: Vec<ColumnChange>,
    /// The overall verdict.
    #[serde(default)]
    pub verdict: Verdict,
    /// The thresholds of changes.
    #[serde(default)]
    pub thresholds: DriftThresholds,
}

/// The verdict of a comparison, for the dataset as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = ComparisonVerdict))]
pub struct Verdict {
    /// How far the candidate is from the baseline: `major` where a column is gone or has another
    /// type or drifted so far; `moderate` where a column is new, drifted, or has another share of
    /// missing cells.
    pub drift: Drift,
    /// Rows of the candidate less those of the baseline.
    pub rows_change: i64,
    /// Missing cells of the candidate less those of the baseline.
    pub missing_cells_change: i64,
    /// Columns that only the candidate has.
    pub added: Vec<String>,
    /// Columns that only the baseline has.
    pub removed: Vec<String>,
    /// Columns whose type has changed.
    pub retyped: Vec<String>,
    /// Columns whose values drifted moderately.
    pub moderate: Vec<String>,
    /// Columns whose values drifted far.
    pub major: Vec<String>,
    /// Columns whose share of missing cells has changed.
    pub missing: Vec<String>,
}

/// The thresholds of changes.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields, default, expecting = "an object of thresholds")]
pub struct DriftThresholds {
    /// The population stability index of a moderate drift.
    pub moderate: f64,
    /// The population stability index of a major drift.
    pub major: f64,
    /// The change of the share of missing cells, 0 to 1.
    pub missing: f64,
}

impl Default for DriftThresholds {
    fn default() -> Self {
        Self {
            moderate: 0.1,
            major: 0.25,
            missing: 0.05,
        }
    }
}

impl DriftThresholds {
    /// Checks the thresholds.
    ///
    /// # Errors
    /// The first invalid option.
    pub fn check(&self) -> Result<(), InvalidOption> {
        let wrong = |option, detail: String| Err(InvalidOption::new(option, detail));
        if !(self.moderate >= 0.0 && self.moderate.is_finite()) {
            return wrong("moderate", format!("{} is not 0 or more", self.moderate));
        }
        if !(self.major >= self.moderate && self.major.is_finite()) {
            return wrong("major", format!("{} is less than `moderate`", self.major));
        }
        if !(0.0..=1.0).contains(&self.missing) {
            return wrong("missing", format!("{} is not from 0 to 1", self.missing));
        }
        Ok(())
    }

    /// How far apart two distributions with this population stability index are.
    pub fn drift(&self, psi: f64) -> Drift {
        if psi >= self.major {
            Drift::Major
        } else if psi >= self.moderate {
            Drift::Moderate
        } else {
            Drift::None
        }
    }
}

/// One of the two datasets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = ComparedDataset))]
pub struct Side {
    /// Its name.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// Its columns.
    pub columns: u64,
    /// Its missing cells.
    pub missing_cells: u64,
}

/// What happened to a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ColumnStatus {
    /// In both, with the same type.
    Kept,
    /// In both, with different types.
    Retyped,
    /// In the candidate only.
    Added,
    /// In the baseline only.
    Removed,
}

/// How far apart two distributions are, by their population stability index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Drift {
    /// Below the threshold of a moderate one, 0.1.
    #[default]
    None,
    /// From there on.
    Moderate,
    /// From the threshold of a major one on, 0.25.
    Major,
}

/// A column in one of the two datasets.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ColumnSide {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// Cells that are not missing.
    pub count: u64,
    /// Cells that are.
    pub missing: u64,
    /// The share of missing cells, 0 to 1; 0 where there is no row.
    pub missing_share: f64,
}

/// A column, before and after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ColumnChange {
    /// Its name.
    pub name: String,
    /// What happened to it.
    pub status: ColumnStatus,
    /// In the baseline.
    pub baseline: Option<ColumnSide>,
    /// In the candidate.
    pub candidate: Option<ColumnSide>,
    /// The population stability index; `None` where the two cannot be compared.
    pub psi: Option<f64>,
    /// The drift by that index.
    pub drift: Option<Drift>,
    /// The Jensen–Shannon distance to base 2, 0 (alike) to 1 (nothing in common).
    pub jensen_shannon: Option<f64>,
    /// The two-sample test of Kolmogorov and Smirnov, of numbers and times.
    pub kolmogorov_smirnov: Option<KolmogorovSmirnov>,
    /// Whether a distribution was sketched: the statistics may be off by `error`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
    /// How far, at most, the statistic of Kolmogorov and Smirnov is off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<f64>,
    /// The share of missing cells in the candidate less that in the baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing_change: Option<f64>,
    /// Pearson's test of homogeneity, of texts and booleans, over their categories.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chi_squared: Option<ChiSquared>,
    /// The figures of numbers, before and after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numbers: Option<NumberChanges>,
    /// The values of numbers and times, counted in the same intervals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub histogram: Option<SharedHistogram>,
    /// The distinct texts and booleans, and those that are new or gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub categories: Option<CategoryChanges>,
}

/// A test of whether two samples of categories are of one distribution.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ChiSquared {
    /// Σ (observed − expected)² / expected.
    pub statistic: f64,
    /// One less than there are categories.
    pub degrees_of_freedom: u64,
    /// How likely a statistic as large is where there is no difference.
    pub p_value: f64,
}

/// A figure, before and after.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FigureChange {
    /// In the baseline.
    pub baseline: Number,
    /// In the candidate.
    pub candidate: Number,
    /// The candidate's less the baseline's.
    pub change: f64,
}

/// The figures of a numeric column, before and after.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct NumberChanges {
    /// The mean.
    pub mean: FigureChange,
    /// The median.
    pub median: FigureChange,
    /// The smallest.
    pub min: FigureChange,
    /// The largest.
    pub max: FigureChange,
}

impl NumberChanges {
    /// How many significant digits tell apart the values of both sides.
    pub fn digits(&self) -> usize {
        let (min, max) = (self.min, self.max);
        let low = min.baseline.as_f64().min(min.candidate.as_f64());
        let high = max.baseline.as_f64().max(max.candidate.as_f64());
        digits_within(low.abs().max(high.abs()), high - low)
    }
}

/// Two histograms over the same intervals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct SharedHistogram {
    /// The borders, ascending: numbers, or dates and times as text.
    #[cfg_attr(feature = "schema", schema(value_type = Vec<serde_json::Value>))]
    pub edges: Vec<Value>,
    /// How many values of the baseline lie between a border and the next; those on the last
    /// border are in the last interval.
    pub baseline: Vec<u64>,
    /// The same of the candidate.
    pub candidate: Vec<u64>,
}

/// The changes of a column's categories.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CategoryChanges {
    /// The most frequent of both, up to 50, by their shares.
    pub values: Vec<CategoryCount>,
    /// How often any other value is in the baseline.
    pub other_baseline: u64,
    /// How often any other value is in the candidate.
    pub other_candidate: u64,
    /// The most frequent of those that only the candidate has, up to 20.
    pub new: Vec<CategoryCount>,
    /// The most frequent of those that only the baseline has, up to 20.
    pub vanished: Vec<CategoryCount>,
    /// How many values only the candidate has; absent if there are too many to count.
    pub new_count: Option<u64>,
    /// How many values only the baseline has; absent if there are too many to count.
    pub vanished_count: Option<u64>,
}

/// How often a category is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CategoryCount {
    /// The value.
    pub value: String,
    /// In the baseline.
    pub baseline: u64,
    /// In the candidate.
    pub candidate: u64,
}

/// The largest distance between two distribution functions.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct KolmogorovSmirnov {
    /// The distance, 0 to 1.
    pub statistic: f64,
    /// The p-value, from Kolmogorov's limiting distribution.
    pub p_value: f64,
}
