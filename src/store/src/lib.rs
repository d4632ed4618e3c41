//! The stores behind the ports: SQLite, PostgreSQL and blobs.

mod blobs;
mod codec;
mod live_limits;
mod open;
mod postgres;
mod quarantine;
mod sqlite;
mod unconfirmed;

pub use blobs::{open_blobs, open_blobs_with, shared_blobs};
pub use open::{back_up_store, check_store_url, open_store};
pub use postgres::PostgresStore;
pub use sqlite::SqliteStore;
