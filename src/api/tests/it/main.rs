//! The HTTP API as a client sees it: a real server on a free port, the in-memory store, and a
//! worker that the test controls.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(missing_docs, unreachable_pub)]

mod auth;
mod cached;
mod client;
mod coding;
mod connections;
mod cors;
mod datasets;
mod documents;
mod draining;
mod errors;
mod events;
mod fakes;
mod fixture;
mod health;
mod http2;
mod idempotency;
mod job_lists;
mod jobs;
mod metrics;
mod owner_limits;
mod pages;
mod refused_jobs;
mod reports;
mod results;
mod room;
mod secure;
mod sessions;
mod system_events;
mod tls;
mod tokens;
mod upload_formats;
mod uploads;
