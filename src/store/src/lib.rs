//! The stores behind the ports: SQLite, PostgreSQL and blobs.
