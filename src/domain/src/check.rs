//! Checks of a dataset against a data contract: the plan and the report.

mod accept;
mod plan;
mod report;
mod words;

pub use accept::{Accept, Condition};
pub use plan::{Bound, Check, CheckPlan, ColumnMatch, Form, Rule, ValueType};
pub use report::{
    CheckReport, CheckResult, CheckStatus, CheckTotals, ContractFormat, ContractWarning, FailedRow,
};

/// How many failing rows a check shows unless the contract says otherwise.
pub const DEFAULT_EXAMPLES: usize = 10;
/// The most failing rows that a check shows.
pub const MAX_EXAMPLES: usize = 100;
