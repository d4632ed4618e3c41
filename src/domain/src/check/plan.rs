//! The checks of a contract, independent of its format.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::accept::Accept;
use super::report::{CheckResult, CheckStatus, ContractFormat, ContractWarning};
use crate::ReadOptions;

/// The requirements of a contract on one dataset.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckPlan {
    /// The checks, in the order of the contract.
    pub checks: Vec<Check>,
    /// How many failing rows each shows.
    pub examples: usize,
    /// The read options of the contract.
    pub read: ReadOptions,
    /// The parts of the contract that are not checked.
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
    /// The path in the contract: `fields[2].constraints.minimum`.
    pub path: String,
    /// Its name in the contract.
    pub name: Option<String>,
    /// The accepted counts of failing rows; only 0 by default.
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

impl Check {
    /// An empty result for this check.
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
