//! Read-only SQL over a session's datasets, each query in a child process of its own.
//!
//! Nothing inside one process bounds a query: a deep expression overflows the stack and aborts,
//! an expression allocates outside the memory pool, a join does not stop when its future is
//! dropped. A child process can be limited from outside and killed at any time.
//!
//! [`Sql`] is the host: it keeps warm children, sends each query to one of them, resolves the
//! tables that the child requests, bounds time and bytes, and reaps the child on every path.
//! [`child::main`] is the child: the program that [`SqlConfig::program`] runs.
//!
//! Neither Arrow nor DataFusion appears in a public signature, and the host never parses a query.

pub mod child;
mod config;
mod error;
mod hint;
mod host;
mod name;
mod protocol;
mod query;
mod result;
mod tables;

pub use config::{MAX_QUERY_BYTES, SqlConfig};
pub use error::{Fault, Position, SqlError};
pub use host::Sql;
pub use lastcall_child::guest::sandbox::Capabilities;
pub use query::SqlQuery;
pub use result::{Body, QueryResult, ResultFormat};
pub use tables::{TableError, Tables};
