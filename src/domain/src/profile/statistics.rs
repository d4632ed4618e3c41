//! Statistics of a column that depend on its values and their order.

use serde::{Deserialize, Serialize};

/// The order of a column's values, without missing ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SortOrder {
    /// No value is below the one before it.
    Ascending,
    /// Every value is above the one before it.
    StrictlyAscending,
    /// No value is above the one before it.
    Descending,
    /// Every value is below the one before it.
    StrictlyDescending,
}

/// A value and the row it is in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Extreme<E> {
    /// The value.
    pub value: E,
    /// The number of the first row with it, from 1 on.
    pub row: u64,
}

/// A pattern of texts: runs of letters are `A`, runs of digits `9`, all other characters are
/// unchanged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TextPattern {
    /// The pattern: `A-9` for `AB-123`.
    pub pattern: String,
    /// How many values have it.
    pub count: u64,
}

/// The semantic type of texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum SemanticType {
    /// Addresses of mail.
    Email,
    /// Addresses of the web.
    Url,
    /// Universally unique identifiers.
    Uuid,
    /// Addresses of IPv4 or IPv6.
    Ip,
    /// Objects or arrays of JSON.
    Json,
}

/// Associations between non-numeric columns.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Associations {
    /// Booleans and texts with few different values, in the order of the matrix.
    pub columns: Vec<String>,
    /// Cramér's V, without bias correction; `None` if one of the two does not vary.
    pub cramers_v: Vec<Vec<Option<f64>>>,
    /// The number of rows of the sample, if it was computed from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<u64>,
}

impl Associations {
    /// Whether there are no columns.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }
}
