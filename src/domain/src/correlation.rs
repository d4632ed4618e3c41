//! The result of an analysis of `kind: "correlation"`: the wire format.

use serde::{Deserialize, Serialize};

use crate::profile::ColumnType;

/// Every pair of comparable columns.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = Correlation))]
pub struct CorrelationReport {
    /// The name of the dataset.
    pub dataset: String,
    /// Its rows.
    pub rows: u64,
    /// The columns that were compared.
    pub columns: Vec<ComparedColumn>,
    /// Every pair of them, in the order of the columns.
    pub pairs: Vec<Pair>,
    /// The excluded columns, and why.
    pub left_out: Vec<LeftOut>,
    /// The number of rows of the sample, if everything but Pearson's r was computed from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<u64>,
}

/// A column that was compared with others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ComparedColumn {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: ColumnType,
}

/// A column that was not compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = ExcludedColumn))]
pub struct LeftOut {
    /// Its name.
    pub column: String,
    /// Why, in a few words.
    pub reason: String,
}

/// Two columns, over the rows in which both have a value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = ColumnPair))]
pub struct Pair {
    /// The name of the first.
    pub x: String,
    /// The name of the second.
    pub y: String,
    /// In how many rows (of the sample, if there is one) both have a value.
    pub n: u64,
    /// Pearson's r, of two numeric columns; its p-value is that of Student's t with n − 2
    /// degrees of freedom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pearson: Option<Coefficient>,
    /// Spearman's ρ, of two numeric columns; its p-value likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spearman: Option<Coefficient>,
    /// Cramér's V without bias correction, where at least one column is not numeric; its p-value
    /// is that of Pearson's χ² test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cramers_v: Option<Coefficient>,
    /// Mutual information in nats; its p-value is that of the G test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mutual_information: Option<Coefficient>,
}

/// A measure of association, and how likely one as strong is where there is none.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Coefficient {
    /// The measure.
    pub value: f64,
    /// The p-value; `None` where it is not defined.
    pub p_value: Option<f64>,
}
