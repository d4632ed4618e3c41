//! Expressions whose semantics in the engine differ from PostgreSQL and DuckDB.
//!
//! [`planner`] handles operators during planning, when the types of both sides are known;
//! [`analyzer`] handles everything else, before the engine casts anything.

mod analyzer;
mod arguments;
mod compare;
mod correlated;
mod parts;
mod planner;

pub(super) use analyzer::Analyzer;
pub(super) use planner::{Operators, Types};
