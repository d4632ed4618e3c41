//! The result of an analysis of `kind: "check"`: the wire format.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ReadReport;

/// The format of a data contract.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum ContractFormat {
    /// A Frictionless Table Schema, alone or in a Data Package.
    #[default]
    TableSchema,
    /// The Open Data Contract Standard, version 3.
    Odcs,
}

/// A part of a contract that is not checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ContractWarning {
    /// A stable name: `unknown_key`, `not_checked`, `unlisted_columns`.
    pub code: String,
    /// Where it is in the contract.
    pub path: String,
    /// A message.
    pub detail: String,
}

/// The report of the checks of a dataset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CheckReport {
    /// The name of the dataset.
    pub dataset: String,
    /// The format of the contract.
    pub contract: ContractFormat,
    /// Its rows.
    pub rows: u64,
    /// Whether every check has passed.
    pub passed: bool,
    /// The numbers of checks by status.
    pub totals: CheckTotals,
    /// The checks, in the order of the contract.
    pub checks: Vec<CheckResult>,
    /// The parts of the contract that were not checked, and columns that it does not list.
    pub warnings: Vec<ContractWarning>,
    /// How the dataset was read.
    pub read: ReadReport,
}

/// The numbers of checks by status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CheckTotals {
    /// All of them.
    pub checks: u64,
    /// Those that passed.
    pub passed: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that could not be run.
    pub errors: u64,
}

/// The status of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum CheckStatus {
    /// It passed.
    Passed,
    /// It failed.
    Failed,
    /// It could not be run.
    Error,
}

impl CheckStatus {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Error => "error",
        }
    }
}

/// The result of one check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CheckResult {
    /// What was checked: `column`, `columns`, `type`, `not_null`, `missing_values`, `unique`,
    /// `range`, `set`, `pattern`, `length`, `multiple_of`, `foreign_key`, `freshness`,
    /// `row_count`, `sql`.
    pub check: String,
    /// The columns that it is about.
    pub columns: Vec<String>,
    /// Its name in the contract.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its path in the contract.
    pub path: String,
    /// The requirement, in words.
    pub expected: String,
    /// Its status.
    pub status: CheckStatus,
    /// How many rows fail it; `null` if it is not about rows, or could not be run.
    pub failed_rows: Option<u64>,
    /// What was found, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Why it could not be run: an error code of failed jobs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The first rows that fail it.
    pub examples: Vec<FailedRow>,
}

/// A row that fails a check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FailedRow {
    /// Its number, from 1, without the header; absent for a row of a query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// Its values by column, for the columns of the check; long texts are cut.
    #[cfg_attr(feature = "schema", schema(value_type = Object))]
    pub values: Map<String, Value>,
}

impl CheckResult {
    /// Records that the check could not be run.
    pub fn fail_with(&mut self, code: &str, detail: impl Into<String>) {
        self.status = CheckStatus::Error;
        self.failed_rows = None;
        self.examples.clear();
        self.error = Some(code.to_owned());
        self.detail = Some(detail.into());
    }
}

impl CheckTotals {
    /// Counts checks by status.
    pub fn of(checks: &[CheckResult]) -> Self {
        let count = |status| checks.iter().filter(|c| c.status == status).count() as u64;
        Self {
            checks: checks.len() as u64,
            passed: count(CheckStatus::Passed),
            failed: count(CheckStatus::Failed),
            errors: count(CheckStatus::Error),
        }
    }
}
