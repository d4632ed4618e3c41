//! How one dataset differs from another: what an analysis of `kind: "compare"` answers with. The
//! shape is the wire format.

use serde::{Deserialize, Serialize};

use crate::profile::ColumnType;

/// What changed from a baseline to a candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Comparison {
    /// The dataset that is compared with.
    pub baseline: Side,
    /// The dataset that is compared.
    pub candidate: Side,
    /// The columns of the baseline in their order, then those that are new.
    pub columns: Vec<ColumnChange>,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Drift {
    /// Below 0.1.
    None,
    /// From 0.1 on.
    Moderate,
    /// From 0.25 on.
    Major,
}

impl Drift {
    /// The usual reading of a population stability index.
    pub fn of(psi: f64) -> Self {
        if psi >= 0.25 {
            Self::Major
        } else if psi >= 0.1 {
            Self::Moderate
        } else {
            Self::None
        }
    }
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
    /// What that index says.
    pub drift: Option<Drift>,
    /// The Jensen–Shannon distance to base 2, 0 (alike) to 1 (nothing in common).
    pub jensen_shannon: Option<f64>,
    /// The two-sample test of Kolmogorov and Smirnov, of numbers and times.
    pub kolmogorov_smirnov: Option<KolmogorovSmirnov>,
    /// True where a distribution was sketched: the figures may be off by `error`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
    /// How far, at most, the statistic of Kolmogorov and Smirnov is off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<f64>,
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
