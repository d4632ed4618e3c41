//! Statistics of a column that depend on its values and their order.

use serde::{Deserialize, Serialize};

/// How the values of a column follow one another, missing ones left out.
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

/// How texts are built: runs of letters are `A`, runs of digits `9`, all else is as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct TextPattern {
    /// The pattern: `A-9` for `AB-123`.
    pub pattern: String,
    /// How many values have it.
    pub count: u64,
}

/// What texts stand for.
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

/// How columns that are no numbers go together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Associations {
    /// Booleans and texts with few different values, in the order of the matrix.
    pub columns: Vec<String>,
    /// Cramér's V, without bias correction; `None` where one of the two does not vary.
    pub cramers_v: Vec<Vec<Option<f64>>>,
    /// How many rows it was computed from, where that is a sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sample: Option<u64>,
}

impl Associations {
    /// Whether there is nothing to go together.
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }
}
