//! The protocol between host and child: frames over the child's standard input and output.
//!
//! ```text
//! child                       host
//!   Hello         ──────▶              once, when it is warm
//!                 ◀──────  Query       the text and the limits
//!   Needs         ──────▶              the tables that the query names
//!                 ◀──────  Tables      a file for each of them
//!   Data …        ──────▶              the bytes of the result
//!   Done | Failed ──────▶              the end, at any point after Query
//! ```

use std::path::PathBuf;

use lastcall_domain::SqlParameter;
use serde::{Deserialize, Serialize};

use lastcall_child::guest::sandbox::Capabilities;

use crate::error::{Fault, Position};
use crate::result::ResultFormat;

/// A message of the host.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Request {
    /// The query to run.
    Query(Query),
    /// The files of the tables, in the order of [`Reply::Needs`].
    Tables(Vec<Table>),
}

/// A query and its limits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Query {
    /// The text.
    pub sql: String,
    /// The values of its placeholders.
    pub parameters: Vec<SqlParameter>,
    /// The format of the result.
    pub format: ResultFormat,
    /// The temporary folder of the query.
    pub folder: PathBuf,
    /// Bytes of memory.
    pub memory: u64,
    /// Bytes on disk.
    pub max_spill: u64,
    /// The most rows of the result.
    pub max_rows: u64,
    /// Threads to compute on.
    pub threads: usize,
    /// Whether the sandbox is required.
    pub require_sandbox: bool,
    /// Seconds of CPU time, over all threads.
    pub cpu_seconds: u64,
}

/// A table of the session.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Table {
    /// Its name.
    pub name: String,
    /// Its Parquet file.
    pub path: PathBuf,
}

/// A message of the child.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Reply {
    /// It is ready for a query.
    Hello(Capabilities),
    /// The tables that the query names.
    Needs(Vec<Need>),
    /// The progress of the query, 0 to 1.
    Progress(f64),
    /// The result is complete.
    Done(Done),
    /// The query failed.
    Failed(Failure),
}

/// A table that a query names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Need {
    /// The name as it is written.
    pub name: String,
    /// Whether it is quoted, and therefore case-sensitive.
    pub quoted: bool,
    /// Its position.
    pub position: Option<Position>,
}

/// The end of a result.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Done {
    /// Rows of the result.
    pub row_count: u64,
    /// Whether there were more.
    pub truncated: bool,
}

/// Why a query failed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Failure {
    /// The kind of error.
    pub kind: FailureKind,
    /// What is wrong.
    pub fault: Fault,
}

/// The kinds of errors of a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum FailureKind {
    Syntax,
    UnknownTable,
    UnknownColumn,
    UnknownFunction,
    Invalid,
    Refused,
    Failed,
    Exhausted,
    Unprotected,
    /// The file of a table cannot be read.
    TableUnreadable,
    /// The temporary files cannot be written or read.
    ScratchUnavailable,
    /// No thread can be started.
    NoThreads,
    /// The machine has no file descriptors left.
    NoFileDescriptors,
}

impl FailureKind {
    /// The failure of this kind.
    pub(crate) fn because(self, fault: Fault) -> Failure {
        Failure { kind: self, fault }
    }
}
