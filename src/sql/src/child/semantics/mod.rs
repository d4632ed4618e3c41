//! Expressions whose semantics in the engine differ from PostgreSQL and DuckDB.
//!
//! [`planner`] handles the operators whose types the engine would reject, during planning;
//! [`analyzer`] handles everything else, before the engine casts anything.

mod analyzer;
mod arguments;
mod arithmetic;
mod branches;
mod compare;
mod correlated;
mod functions;
mod guarded;
mod keys;
mod outer;
mod parts;
mod planner;
mod truth;
mod windows;

pub(super) use analyzer::Analyzer;
pub(super) use guarded::may_fail;
pub(super) use planner::{Operators, Types};
