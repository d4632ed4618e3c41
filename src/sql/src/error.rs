//! Errors of queries.

use std::fmt;

use lastcall_domain::Dependency;
use serde::{Deserialize, Serialize};

use crate::tables::TableError;

/// A position in the text of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The line, from 1.
    pub line: u64,
    /// The character in the line, from 1.
    pub column: u64,
}

/// What is wrong with a query.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// What is wrong, in a sentence.
    pub message: String,
    /// The position in the query, if known.
    pub position: Option<Position>,
    /// A suggestion, if there is one.
    pub suggestion: Option<String>,
}

impl Fault {
    /// A fault without a position.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            position: None,
            suggestion: None,
        }
    }

    /// Sets the position.
    pub(crate) fn at(mut self, position: Option<Position>) -> Self {
        self.position = position;
        self
    }

    /// Sets the suggestion.
    pub(crate) fn suggest(mut self, suggestion: Option<String>) -> Self {
        self.suggestion = suggestion;
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(Position { line, column }) = self.position {
            write!(f, " (line {line}, column {column})")?;
        }
        if let Some(suggestion) = &self.suggestion {
            write!(f, "; {suggestion}")?;
        }
        Ok(())
    }
}

/// An error of a query.
#[derive(Debug, thiserror::Error)]
pub enum SqlError {
    /// The text is not SQL.
    #[error("{0}")]
    Syntax(Fault),
    /// No table has that name.
    #[error("{0}")]
    UnknownTable(Fault),
    /// No column has that name, or more than one has.
    #[error("{0}")]
    UnknownColumn(Fault),
    /// No function has that name.
    #[error("{0}")]
    UnknownFunction(Fault),
    /// The query is invalid: mismatched types, a column outside `GROUP BY`.
    #[error("{0}")]
    Invalid(Fault),
    /// The query is not a single read-only query, or uses a forbidden feature.
    #[error("{0}")]
    Refused(Fault),
    /// The query failed on the data: a division by zero, an invalid cast.
    #[error("{0}")]
    Failed(Fault),
    /// The query exceeded a limit: memory, disk, depth or size of the result.
    #[error("{0}")]
    Exhausted(Fault),
    /// The operating system does not support the required sandbox.
    #[error("{0}")]
    Unprotected(Fault),
    /// The query exceeded its timeout.
    #[error("the query took longer than {} ms", .0.as_millis())]
    Timeout(std::time::Duration),
    /// The query was cancelled.
    #[error("the query was cancelled")]
    Cancelled,
    /// The tables cannot be listed.
    #[error("the tables cannot be listed: {0}")]
    Tables(TableError),
    /// The dataset of a table is not available.
    #[error("table {name}: {error}")]
    Table {
        /// The table.
        name: String,
        /// The cause.
        error: TableError,
    },
    /// A dependency is unavailable.
    #[error("{dependency} unavailable: {detail}")]
    Environment {
        /// The dependency.
        dependency: Dependency,
        /// What failed.
        detail: String,
    },
    /// No child process was available, or it was lost through no fault of the query.
    #[error("no process for the query: {0}")]
    Unavailable(String),
}

impl SqlError {
    /// A stable name of the kind of error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Syntax(_) => "sql_syntax",
            Self::UnknownTable(_) => "unknown_table",
            Self::UnknownColumn(_) => "unknown_column",
            Self::UnknownFunction(_) => "unknown_function",
            Self::Invalid(_) => "sql_invalid",
            Self::Refused(_) => "sql_refused",
            Self::Failed(_) => "sql_failed",
            Self::Exhausted(_) => "resource_exhausted",
            Self::Unprotected(_) => "sandbox_unavailable",
            Self::Timeout(_) => "timeout",
            Self::Cancelled => "cancelled",
            Self::Tables(error) | Self::Table { error, .. } => error.code,
            Self::Environment { dependency, .. } => dependency.code(),
            Self::Unavailable(_) => "sql_unavailable",
        }
    }

    /// Whether the same query may succeed later.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Environment { .. } | Self::Unavailable(_) => true,
            Self::Tables(error) | Self::Table { error, .. } => error.retryable,
            _ => false,
        }
    }

    /// The unavailable dependency, if there is one.
    pub fn dependency(&self) -> Option<Dependency> {
        match self {
            Self::Tables(error) | Self::Table { error, .. } => error.unavailable,
            Self::Environment { dependency, .. } => Some(*dependency),
            _ => None,
        }
    }

    /// The error for a temporary file.
    pub(crate) fn of_scratch(error: &std::io::Error) -> Self {
        let detail = error.to_string();
        match Dependency::of_io(error, Dependency::Scratch) {
            Some(dependency) => Self::Environment { dependency, detail },
            None => Self::Unavailable(detail),
        }
    }

    /// The error for a child that cannot be started.
    pub(crate) fn of_io(error: &std::io::Error) -> Self {
        let detail = error.to_string();
        match Dependency::of_shortage(error) {
            Some(dependency) => Self::Environment { dependency, detail },
            None => Self::Unavailable(detail),
        }
    }

    /// The fault, if the query is at fault.
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Syntax(fault)
            | Self::UnknownTable(fault)
            | Self::UnknownColumn(fault)
            | Self::UnknownFunction(fault)
            | Self::Invalid(fault)
            | Self::Refused(fault)
            | Self::Failed(fault)
            | Self::Exhausted(fault) => Some(fault),
            Self::Unprotected(_)
            | Self::Timeout(_)
            | Self::Cancelled
            | Self::Tables(_)
            | Self::Table { .. }
            | Self::Environment { .. }
            | Self::Unavailable(_) => None,
        }
    }
}
