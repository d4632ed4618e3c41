//! The stores behind the ports: SQLite, PostgreSQL and blobs.

mod blobs;
mod codec;
mod open;
mod sqlite;

pub use blobs::open_blobs;
pub use open::open_store;
pub use sqlite::SqliteStore;
