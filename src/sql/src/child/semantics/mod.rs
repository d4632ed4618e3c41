//! Expressions whose semantics in the engine differ from PostgreSQL and DuckDB.
//!
//! [`planner`] decides operators while the query is planned, when the types of both sides are
//! known; [`analyzer`] decides what is no operator, before the engine casts anything.

mod analyzer;
mod arguments;
mod compare;
mod correlated;
mod parts;
mod planner;

pub(super) use analyzer::Analyzer;
pub(super) use planner::{Operators, Types};
