//! Checks of a dataset against a data contract: the plan and the report.

mod accept;
mod display;
mod plan;
mod report;

pub use accept::{Accept, Condition};
pub use plan::{Bound, Check, CheckPlan, ColumnMatch, Form, Rule, ValueType};
pub use report::{
    CheckReport, CheckResult, CheckStatus, CheckTotals, ContractFormat, ContractWarning, FailedRow,
};

/// The default number of failing rows that a check shows.
pub const DEFAULT_EXAMPLES: usize = 10;
/// The most failing rows that a check shows.
pub const MAX_EXAMPLES: usize = 100;
