//! The result of an analysis of `kind: "profile"`: the wire format.
//!
//! The types have the shape of the wire format. Definitions are those of pandas: sample (n−1)
//! standard deviation and variance, bias-corrected skewness and excess kurtosis, quantiles by
//! linear interpolation. An undefined statistic (the skewness of two rows, a mean that ran into an
//! infinity) is `null`, never a made-up number. Estimates are marked as such.

mod alert;
mod number;
mod rows;
mod statistics;
mod top;

use serde::{Deserialize, Serialize};

pub use self::alert::{Alert, AlertCode};
pub use self::number::{Decimal, Number};
pub use self::rows::{DuplicateRow, MissingPattern, MissingPatterns, Sample, SampleRow};
pub use self::statistics::{Associations, Extreme, SemanticType, SortOrder, TextPattern};
pub use self::top::TopValue;
use crate::{Format, ReadReport};

/// The profile of one dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Profile {
    /// The dataset as a whole.
    pub dataset: DatasetSummary,
    /// One entry per column, in the order of the data.
    pub columns: Vec<Column>,
    /// Pairwise correlations of the numeric columns.
    pub correlations: Correlations,
    /// Associations of booleans and texts with few different values.
    #[serde(default, skip_serializing_if = "Associations::is_empty")]
    pub associations: Associations,
    /// Which cells are missing together.
    #[serde(default)]
    pub missing_patterns: MissingPatterns,
    /// Some rows that repeat an earlier one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub duplicates: Vec<DuplicateRow>,
    /// Some rows.
    #[serde(default, skip_serializing_if = "Sample::is_empty")]
    pub sample: Sample,
    /// The alerts.
    pub alerts: Vec<Alert>,
    /// How the data was read, with its warnings.
    #[serde(default)]
    pub read: ReadReport,
    /// The warnings of [`read`](Self::read), for older clients.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<Warning>,
}

/// The dataset as a whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct DatasetSummary {
    /// The name under which it was uploaded.
    pub name: String,
    /// Its format.
    pub format: Format,
    /// Its size in bytes, as stored.
    pub bytes: u64,
    /// Rows of data, the header not counted.
    pub rows: u64,
    /// Columns.
    pub columns: u64,
    /// Missing cells over all columns.
    pub missing_cells: u64,
    /// Rows that repeat an earlier row in every cell.
    pub duplicate_rows: u64,
    /// True where [`duplicate_rows`](Self::duplicate_rows) is an estimate.
    #[serde(default, skip_serializing_if = "is_false")]
    pub duplicate_rows_estimated: bool,
    /// The relative error of the estimate, as a fraction of `rows`, at two standard deviations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duplicate_rows_error: Option<f64>,
}

/// The type of a column, inferred from every cell of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ColumnType {
    /// `true` and `false`.
    Boolean,
    /// Whole numbers of 64 bits.
    Integer,
    /// IEEE 754 doubles.
    Float,
    /// Text, and whatever is nothing else.
    String,
    /// Calendar dates without a time.
    Date,
    /// Points in time; without an offset they are taken as UTC.
    Timestamp,
}

impl ColumnType {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Float => "float",
            Self::String => "string",
            Self::Date => "date",
            Self::Timestamp => "timestamp",
        }
    }

    /// Whether columns of this type have [`Numeric`] figures.
    pub fn is_numeric(self) -> bool {
        matches!(self, Self::Integer | Self::Float)
    }
}

/// One column of the dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Column {
    /// The name, made unique where the header repeats one.
    pub name: String,
    /// The type, inferred from all cells.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// Cells that are not missing.
    pub count: u64,
    /// Cells that are.
    pub missing: u64,
    /// Different values among the cells that are not missing.
    pub distinct: u64,
    /// True where [`distinct`](Self::distinct) is an estimate.
    #[serde(default, skip_serializing_if = "is_false")]
    pub distinct_estimated: bool,
    /// The relative error of the estimate at two standard deviations (0.01 is 1 %).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distinct_error: Option<f64>,
    /// The most frequent values, the most frequent first; ties by value.
    pub top: Vec<TopValue>,
    /// True where the counts in [`top`](Self::top) are estimates.
    #[serde(default, skip_serializing_if = "is_false")]
    pub top_estimated: bool,
    /// How far, in rows, a count in [`top`](Self::top) may be off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_error: Option<u64>,
    /// The most frequent value, where there is one that occurs more than once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<TopValue>,
    /// How the values follow one another; `None` where they are in no order, or all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sorted: Option<SortOrder>,
    /// Figures of an integer or float column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numeric: Option<Numeric>,
    /// Figures of a string column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<Text>,
    /// Figures of a date or timestamp column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temporal: Option<Temporal>,
    /// Figures of a boolean column.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boolean: Option<Boolean>,
}

/// Figures of a numeric column. Infinities take part in `min` and `max` only and are counted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = NumericFigures))]
pub struct Numeric {
    /// The smallest value; `None` where there is none.
    pub min: Option<Number>,
    /// The largest value.
    pub max: Option<Number>,
    /// The arithmetic mean.
    pub mean: Option<f64>,
    /// The sample standard deviation (n − 1).
    pub std: Option<f64>,
    /// The sample variance (n − 1).
    pub variance: Option<f64>,
    /// The sum: exact for integers and decimals up to 38 digits, the nearest double of floats.
    pub sum: Option<Number>,
    /// The bias-corrected skewness, from three values on.
    pub skewness: Option<f64>,
    /// The bias-corrected excess kurtosis, from four values on.
    pub kurtosis: Option<f64>,
    /// How many values are zero.
    pub zeros: u64,
    /// How many values are below zero.
    pub negatives: u64,
    /// How many values are infinite.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub infinities: u64,
    /// Quantiles by linear interpolation.
    pub quantiles: Quantiles,
    /// The distance of the quartiles.
    #[serde(default)]
    pub iqr: Option<Number>,
    /// The median of the distances from the median.
    #[serde(default)]
    pub mad: Option<Number>,
    /// The coefficient of variation: the standard deviation over the magnitude of the mean.
    #[serde(default)]
    pub cv: Option<f64>,
    /// The smallest values, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lowest: Vec<Extreme<Number>>,
    /// The largest values, descending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub highest: Vec<Extreme<Number>>,
    /// Counts of the values in intervals of equal width.
    pub histogram: Histogram<Number>,
}

/// Quantiles by linear interpolation between the two nearest ranks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Quantiles {
    /// 1 %.
    pub p01: Option<Number>,
    /// 5 %.
    pub p05: Option<Number>,
    /// 25 %, the lower quartile.
    pub p25: Option<Number>,
    /// 50 %, the median.
    pub p50: Option<Number>,
    /// 75 %, the upper quartile.
    pub p75: Option<Number>,
    /// 95 %.
    pub p95: Option<Number>,
    /// 99 %.
    pub p99: Option<Number>,
    /// True where they are estimates.
    #[serde(default, skip_serializing_if = "is_false")]
    pub estimated: bool,
    /// How far, at most, the rank of an estimate is off, as a fraction of the count (0.01: the
    /// value given for the median has a rank between 49 % and 51 %), whatever the data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank_error: Option<f64>,
}

/// Counts per interval. `edges` has one entry more than `counts`; every interval is closed on
/// the left and open on the right, but for the last, which is closed on both sides. Both are
/// empty where there is nothing to count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Histogram<E> {
    /// The borders, ascending.
    pub edges: Vec<E>,
    /// How many values lie between a border and the next.
    pub counts: Vec<u64>,
    /// True where the counts are estimates.
    #[serde(default, skip_serializing_if = "is_false")]
    pub estimated: bool,
}

impl<E> Default for Histogram<E> {
    fn default() -> Self {
        Self {
            edges: Vec::new(),
            counts: Vec::new(),
            estimated: false,
        }
    }
}

/// Figures of text. Lengths are in Unicode scalar values (what Python's `len` counts).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = TextFigures))]
pub struct Text {
    /// The shortest; `None` where the column is all missing.
    pub min_length: Option<u64>,
    /// The longest.
    pub max_length: Option<u64>,
    /// The mean.
    pub mean_length: Option<f64>,
    /// Values of nothing but blanks.
    #[serde(default)]
    pub blank: u64,
    /// Other values with blanks at an end.
    #[serde(default)]
    pub padded: u64,
    /// The most frequent patterns, the most frequent first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub patterns: Vec<TextPattern>,
    /// The semantic type of nearly all values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub semantic_type: Option<SemanticType>,
    /// From how many of the different values the four before were estimated, where not from all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values_sampled: Option<u64>,
}

/// Figures of dates (`2012-01-31`) and timestamps (RFC 3339, UTC).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = TemporalFigures))]
pub struct Temporal {
    /// The earliest.
    pub min: Option<String>,
    /// The latest.
    pub max: Option<String>,
    /// Counts in intervals of equal width; the edges are RFC 3339.
    pub histogram: Histogram<String>,
    /// The earliest values, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lowest: Vec<Extreme<String>>,
    /// The latest values, descending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub highest: Vec<Extreme<String>>,
}

/// Counts of the two values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = BooleanFigures))]
pub struct Boolean {
    /// How many are true.
    #[serde(rename = "true")]
    pub true_count: u64,
    /// How many are false.
    #[serde(rename = "false")]
    pub false_count: u64,
}

/// Correlation matrices over the numeric columns; `None` where a coefficient is not defined
/// (a constant column, fewer than two complete pairs).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Correlations {
    /// The names of the columns, in the order of rows and columns of the matrices.
    pub columns: Vec<String>,
    /// Pearson's r.
    pub pearson: Vec<Vec<Option<f64>>>,
    /// Spearman's ρ, ties by average rank.
    pub spearman: Vec<Vec<Option<f64>>>,
    /// True where `spearman` was estimated from a sample of the rows.
    #[serde(default, skip_serializing_if = "is_false")]
    pub spearman_estimated: bool,
    /// How many rows the estimate saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spearman_sample: Option<u64>,
    /// Numeric columns that were left out because there are more than the limit.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub columns_left_out: u64,
}

/// An irregularity of the data that was tolerated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Warning {
    /// A stable name; docs/analyses.md lists all.
    pub code: String,
    /// One sentence with the line numbers of the first occurrences.
    pub detail: String,
    /// How often it occurred.
    pub count: u64,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the signature serde asks for"
)]
fn is_zero(value: &u64) -> bool {
    *value == 0
}
