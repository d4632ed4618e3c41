//! The stores against the contracts of their ports.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bench;
mod blobs;
mod conformance;
mod owners;
mod postgres;
mod postgres_outages;
mod proxy;
mod replicas;
mod schema;
mod sqlite;
mod unconfirmed;
