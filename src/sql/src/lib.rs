//! Read-only SQL over a session's datasets, each query in a child process of its own.
//!
//! Nothing inside one process bounds what a query may do: a deep expression overflows the stack
//! and aborts, an expression allocates behind the memory pool's back, a join does not stop when
//! its future is dropped. A child process answers all of it, because it can be limited from
//! outside and killed at any moment.
//!
//! [`Sql`] is the host's side: it keeps warm children, hands each query to one of them, names the
//! tables that the child asks for, bounds time and bytes, and reaps the child on every path.
//! [`child::main`] is the other side: the program that [`SqlConfig::program`] runs.
//!
//! Neither Arrow nor DataFusion appears in a public signature, and the host never parses a query.

mod answer;
pub mod child;
mod config;
mod error;
mod hint;
mod host;
mod name;
mod protocol;
mod query;
mod tables;

pub use answer::{Answer, Body, ResultFormat};
pub use config::{MAX_QUERY_BYTES, SqlConfig};
pub use error::{Fault, Position, SqlError};
pub use host::Sql;
pub use lastcall_child::guest::sandbox::Capabilities;
pub use query::SqlQuery;
pub use tables::{TableError, Tables};
