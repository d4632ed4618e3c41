//! Checks of a dataset: what a data contract asks for, once its format is left behind, and what
//! an analysis of `kind: "check"` answers with. The shape of the answer is the wire format.

mod words;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{ReadOptions, ReadReport};

/// How many failing rows a check shows unless the contract says otherwise.
pub const DEFAULT_EXAMPLES: usize = 10;
/// The most failing rows that a check shows.
pub const MAX_EXAMPLES: usize = 100;

/// What a contract asks of one dataset.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckPlan {
    /// The checks, in the order of the contract.
    pub checks: Vec<Check>,
    /// How many failing rows each shows.
    pub examples: usize,
    /// How the contract has the dataset read.
    pub read: ReadOptions,
    /// What of the contract is not checked.
    pub warnings: Vec<ContractWarning>,
    /// The format of the contract.
    pub format: ContractFormat,
    /// Other names that columns may have in the data, by their names in the contract.
    pub aliases: BTreeMap<String, String>,
    /// Whether the contract lists the columns, so that others are worth a warning.
    pub lists_columns: bool,
}

/// One check.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// What has to hold.
    pub rule: Rule,
    /// The columns that it is about.
    pub columns: Vec<String>,
    /// Where the contract asks for it: `fields[2].constraints.minimum`.
    pub path: String,
    /// What the contract calls it.
    pub name: Option<String>,
    /// Which counts of failing rows are accepted; none but 0 where nothing is said.
    pub accept: Option<Accept>,
}

/// What has to hold.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// The dataset has the column.
    Column,
    /// The dataset has these columns and no others, or as the contract matches them.
    Columns(ColumnMatch),
    /// Every value is of the type.
    Type(ValueType),
    /// No value is missing.
    NotNull,
    /// No value counts as missing to the contract.
    NotMissing(Vec<Value>),
    /// No value, or combination of values, is there twice.
    Unique,
    /// Every value is within the bounds.
    Range {
        /// The least value.
        min: Option<Bound>,
        /// The greatest value.
        max: Option<Bound>,
    },
    /// Every value is one of these.
    Set(Vec<Value>),
    /// Every value matches the regular expression.
    Pattern(String),
    /// Every value has as many characters.
    Length {
        /// The least number.
        min: Option<u64>,
        /// The greatest number.
        max: Option<u64>,
    },
    /// Every value is a multiple of this number.
    MultipleOf(f64),
    /// Every value is in columns of a dataset: of this one where no other is named.
    ForeignKey {
        /// The dataset that is referred to.
        dataset: Option<String>,
        /// Its columns.
        columns: Vec<String>,
    },
    /// The newest point in time of the column is not older.
    Freshness(Duration),
    /// The dataset has an accepted number of rows.
    RowCount,
    /// A query answers with no row, or with an accepted number.
    Sql {
        /// The query.
        query: String,
        /// Whether it answers with one value that [`Check::accept`] is about.
        value: bool,
    },
}

/// How the columns of a dataset and those of a contract are to match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnMatch {
    /// The same in the same order.
    Exact,
    /// The same in any order.
    Equal,
    /// The dataset may have more.
    Subset,
    /// The dataset may have fewer.
    Superset,
    /// They have at least one in common.
    Partial,
}

/// One end of a range.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    /// The value: a number, or a date or point in time as text.
    pub value: Value,
    /// Whether the value itself is outside.
    pub exclusive: bool,
}

/// The type of values.
#[derive(Clone, Debug, PartialEq)]
pub enum ValueType {
    /// Text of any kind.
    String,
    /// Text of a form.
    Form(Form),
    /// Whole numbers.
    Integer,
    /// Numbers.
    Number,
    /// True and false, by these words where they are given.
    Boolean {
        /// The words for true.
        yes: Vec<String>,
        /// The words for false.
        no: Vec<String>,
    },
    /// Dates, written so where that is given (as in C's `strftime`).
    Date(Option<String>),
    /// Points in time, written so where that is given.
    Timestamp(Option<String>),
    /// Times of day, written so where that is given.
    Time(Option<String>),
    /// JSON objects.
    Object,
    /// JSON arrays.
    Array,
}

/// Texts of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// An address of electronic mail.
    Email,
    /// A URI with a scheme.
    Uri,
    /// A UUID.
    Uuid,
    /// An address of IP version 4.
    Ipv4,
    /// An address of IP version 6.
    Ipv6,
    /// The name of a host.
    Hostname,
    /// Base64.
    Base64,
    /// A year of four digits.
    Year,
    /// A year and a month, `2024-05`.
    YearMonth,
    /// A duration of ISO 8601, `P1DT2H`.
    Duration,
    /// A longitude and a latitude, `8.54, 47.37`.
    Geopoint,
}

/// Which numbers are accepted: those that meet every condition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Accept {
    /// The conditions.
    pub conditions: Vec<Condition>,
    /// Whether the number is a percentage of the rows.
    pub percent: bool,
}

/// A condition on a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Condition {
    /// It is this.
    Is(f64),
    /// It is not this.
    IsNot(f64),
    /// It is greater.
    Above(f64),
    /// It is as great or greater.
    AtLeast(f64),
    /// It is less.
    Below(f64),
    /// It is as great or less.
    AtMost(f64),
    /// It is not between these.
    Outside(f64, f64),
}

impl Accept {
    /// Numbers from `min` to `max`.
    pub fn between(min: Option<f64>, max: Option<f64>) -> Self {
        let min = min.map(Condition::AtLeast);
        Self {
            conditions: min.into_iter().chain(max.map(Condition::AtMost)).collect(),
            percent: false,
        }
    }

    /// Whether the number is accepted.
    pub fn holds(&self, x: f64) -> bool {
        self.conditions.iter().all(|condition| match *condition {
            Condition::Is(y) => x == y,
            Condition::IsNot(y) => x != y,
            Condition::Above(y) => x > y,
            Condition::AtLeast(y) => x >= y,
            Condition::Below(y) => x < y,
            Condition::AtMost(y) => x <= y,
            Condition::Outside(low, high) => !(x > low && x < high),
        })
    }
}

impl std::fmt::Display for Accept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unit = if self.percent { " %" } else { "" };
        for (i, condition) in self.conditions.iter().enumerate() {
            if i > 0 {
                f.write_str(" and ")?;
            }
            match condition {
                Condition::Is(x) => write!(f, "{x}{unit}"),
                Condition::IsNot(x) => write!(f, "not {x}{unit}"),
                Condition::Above(x) => write!(f, "more than {x}{unit}"),
                Condition::AtLeast(x) => write!(f, "at least {x}{unit}"),
                Condition::Below(x) => write!(f, "less than {x}{unit}"),
                Condition::AtMost(x) => write!(f, "at most {x}{unit}"),
                Condition::Outside(low, high) => write!(f, "not between {low} and {high}{unit}"),
            }?;
        }
        Ok(())
    }
}

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

/// Something in a contract that is not checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ContractWarning {
    /// A stable name: `unknown_key`, `not_checked`, `unlisted_columns`.
    pub code: String,
    /// Where it is in the contract.
    pub path: String,
    /// What it is, for people.
    pub detail: String,
}

/// What the checks of a dataset came to.
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
    /// How many checks there are, by how they ended.
    pub totals: CheckTotals,
    /// The checks, in the order of the contract.
    pub checks: Vec<CheckResult>,
    /// What of the contract was not checked, and columns that it does not list.
    pub warnings: Vec<ContractWarning>,
    /// How the dataset was read.
    pub read: ReadReport,
}

/// How many checks ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CheckTotals {
    /// All of them.
    pub checks: u64,
    /// Those that passed.
    pub passed: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that could not be made.
    pub errors: u64,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum CheckStatus {
    /// What it asks for holds.
    Passed,
    /// It does not hold.
    Failed,
    /// It could not be made.
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

/// What one check came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct CheckResult {
    /// What was checked: `column`, `columns`, `type`, `not_null`, `missing_values`, `unique`,
    /// `range`, `set`, `pattern`, `length`, `multiple_of`, `foreign_key`, `freshness`,
    /// `row_count`, `sql`.
    pub check: String,
    /// The columns that it is about.
    pub columns: Vec<String>,
    /// What the contract calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where the contract asks for it.
    pub path: String,
    /// What has to hold, in words.
    pub expected: String,
    /// How it ended.
    pub status: CheckStatus,
    /// How many rows fail it; `null` where it is not about rows, or could not be made.
    pub failed_rows: Option<u64>,
    /// What was found, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Why it could not be made: a code of a failed job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The first rows that fail it.
    pub examples: Vec<FailedRow>,
}

/// A row that fails a check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct FailedRow {
    /// Its number, from 1, the header not counted; not of a row of a query.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<u64>,
    /// Its values by column, as far as the check is about them; long texts are cut.
    #[cfg_attr(feature = "schema", schema(value_type = Object))]
    pub values: Map<String, Value>,
}

impl Check {
    /// Its result, before anything is known.
    pub fn result(&self) -> CheckResult {
        CheckResult {
            check: self.rule.kind().to_owned(),
            columns: self.columns.clone(),
            name: self.name.clone(),
            path: self.path.clone(),
            expected: self.expected(),
            status: CheckStatus::Passed,
            failed_rows: None,
            detail: None,
            error: None,
            examples: Vec::new(),
        }
    }

    /// What has to hold, in words.
    pub fn expected(&self) -> String {
        let accepted = self.accept.as_ref();
        let rule = self.rule.to_string();
        match (&self.rule, accepted) {
            (Rule::RowCount, Some(accept)) => format!("{accept} rows"),
            (Rule::Sql { value: true, .. }, Some(accept)) => format!("the query answers {accept}"),
            (_, Some(accept)) if accept.percent => format!("{rule}; rows that fail: {accept}"),
            (_, Some(accept)) => format!("{rule}; number of rows that fail: {accept}"),
            (_, None) => rule,
        }
    }
}

impl CheckResult {
    /// The check could not be made.
    pub fn fail_with(&mut self, code: &str, detail: impl Into<String>) {
        self.status = CheckStatus::Error;
        self.failed_rows = None;
        self.examples.clear();
        self.error = Some(code.to_owned());
        self.detail = Some(detail.into());
    }
}

impl CheckTotals {
    /// Counts checks by how they ended.
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

impl Rule {
    /// The name on the wire.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Column => "column",
            Self::Columns(_) => "columns",
            Self::Type(_) => "type",
            Self::NotNull => "not_null",
            Self::NotMissing(_) => "missing_values",
            Self::Unique => "unique",
            Self::Range { .. } => "range",
            Self::Set(_) => "set",
            Self::Pattern(_) => "pattern",
            Self::Length { .. } => "length",
            Self::MultipleOf(_) => "multiple_of",
            Self::ForeignKey { .. } => "foreign_key",
            Self::Freshness(_) => "freshness",
            Self::RowCount => "row_count",
            Self::Sql { .. } => "sql",
        }
    }
}
