//! Errors of queries.

use std::fmt;

use lastcall_domain::Dependency;
use serde::{Deserialize, Serialize};

use crate::tables::TableError;

/// A place in the text of a query.
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
    /// Where in the query, as far as it is known.
    pub position: Option<Position>,
    /// What to write instead, as far as there is a guess.
    pub suggestion: Option<String>,
}

impl Fault {
    /// A fault without a known place.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            position: None,
            suggestion: None,
        }
    }

    /// The fault at a place.
    pub(crate) fn at(mut self, position: Option<Position>) -> Self {
        self.position = position;
        self
    }

    /// The fault with a guess.
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

/// Why a query has no answer.
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
    /// The query is SQL, but makes no sense: types that do not fit, a column outside `GROUP BY`.
    #[error("{0}")]
    Invalid(Fault),
    /// The query is not a single read-only query, or uses what is not allowed.
    #[error("{0}")]
    Refused(Fault),
    /// The query failed on the data: a division by zero, a text that is no number.
    #[error("{0}")]
    Failed(Fault),
    /// The query wanted more memory, disk, depth or bytes of answer than it may have.
    #[error("{0}")]
    Exhausted(Fault),
    /// The query has to be shut in, and the operating system cannot do it.
    #[error("{0}")]
    Unprotected(Fault),
    /// The query took longer than it may.
    #[error("the query took longer than {} ms", .0.as_millis())]
    Timeout(std::time::Duration),
    /// The query was cancelled.
    #[error("the query was cancelled")]
    Cancelled,
    /// The tables cannot be listed.
    #[error("the tables cannot be listed: {0}")]
    Tables(TableError),
    /// The dataset behind a table cannot be had.
    #[error("table {name}: {error}")]
    Table {
        /// The table.
        name: String,
        /// Why.
        error: TableError,
    },
    /// A part of the environment is away that it needs.
    #[error("{dependency} unavailable: {detail}")]
    Environment {
        /// Which part.
        dependency: Dependency,
        /// What is known of it.
        detail: String,
    },
    /// No child process could be had, or it was lost for no fault of the query.
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

    /// The part of the environment whose fault it is.
    pub fn dependency(&self) -> Option<Dependency> {
        match self {
            Self::Tables(error) | Self::Table { error, .. } => error.unavailable,
            Self::Environment { dependency, .. } => Some(*dependency),
            _ => None,
        }
    }

    /// The error of a temporary file.
    pub(crate) fn of_scratch(error: &std::io::Error) -> Self {
        let detail = error.to_string();
        match Dependency::of_io(error, Dependency::Scratch) {
            Some(dependency) => Self::Environment { dependency, detail },
            None => Self::Unavailable(detail),
        }
    }

    /// The error of the operating system, where a child is started.
    pub(crate) fn of_io(error: &std::io::Error) -> Self {
        let detail = error.to_string();
        match Dependency::of_shortage(error) {
            Some(dependency) => Self::Environment { dependency, detail },
            None => Self::Unavailable(detail),
        }
    }

    /// What is wrong with the query, where it is the query's fault.
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
