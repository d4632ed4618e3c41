//! The stores behind the ports: SQLite, PostgreSQL and blobs.

mod codec;
mod sqlite;

pub use sqlite::SqliteStore;
