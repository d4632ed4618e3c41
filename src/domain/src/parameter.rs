//! A query parameter.

use serde::{Deserialize, Serialize};

/// A value for a placeholder (`$1`) of a query, with the type that it has in JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "a parameter of a query has to be null, a boolean, a number or a text"
)]
pub enum SqlParameter {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// A whole number beyond the signed ones.
    Unsigned(u64),
    /// Any other number.
    Float(f64),
    /// A text.
    Text(String),
}
