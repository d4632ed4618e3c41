//! Alerts of a profile.

use serde::{Deserialize, Serialize};

/// The reason of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AlertCode {
    /// One value only.
    Constant,
    /// Missing cells beyond the threshold.
    Missing,
    /// Many different values in a text column.
    HighCardinality,
    /// Every value is different.
    Unique,
    /// One value has nearly all rows.
    Imbalanced,
    /// Skewness beyond the threshold.
    Skewed,
    /// Zeros beyond the threshold.
    Zeros,
    /// Two highly correlated columns.
    HighCorrelation,
    /// Rows that repeat others.
    Duplicates,
    /// Numbers or dates among text: the column was taken as text.
    MixedTypes,
    /// Infinite values.
    Infinite,
    /// Nearly all texts read as numbers.
    LikelyNumber,
    /// Nearly all texts read as dates or points in time.
    LikelyDate,
    /// The texts are a yes and a no.
    LikelyBoolean,
    /// Texts that differ by case or blanks only.
    SimilarValues,
    /// A column whose values identify every row.
    KeyCandidate,
}

impl AlertCode {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Missing => "missing",
            Self::HighCardinality => "high_cardinality",
            Self::Unique => "unique",
            Self::Imbalanced => "imbalanced",
            Self::Skewed => "skewed",
            Self::Zeros => "zeros",
            Self::HighCorrelation => "high_correlation",
            Self::Duplicates => "duplicates",
            Self::MixedTypes => "mixed_types",
            Self::Infinite => "infinite",
            Self::LikelyNumber => "likely_number",
            Self::LikelyDate => "likely_date",
            Self::LikelyBoolean => "likely_boolean",
            Self::SimilarValues => "similar_values",
            Self::KeyCandidate => "key_candidate",
        }
    }
}

/// An alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Alert {
    /// The column; `None` for the dataset as a whole.
    pub column: Option<String>,
    /// Its reason.
    pub code: AlertCode,
    /// The statistic that it is about: a fraction, a count or a coefficient.
    #[serde(default)]
    pub value: Option<f64>,
    /// Its threshold; `None` if there is none.
    #[serde(default)]
    pub threshold: Option<f64>,
    /// One sentence with the statistics.
    pub detail: String,
}
