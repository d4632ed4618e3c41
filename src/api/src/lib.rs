//! The HTTP surface: routes mirror the URLs, one error table.
//!
//! Handlers commit rows and read them; whatever runs the jobs is notified by a hint, and polls as
//! well. Nothing here computes on data, beyond decoding and hashing uploads and compressing
//! responses, both on other threads than those that serve requests.
//!
//! [`server`] makes the server on a listener, for the [`ApiState`] that its handlers share.

mod access;
mod access_log;
mod analyses;
mod audit;
mod auth;
mod cached;
mod challenge;
mod collected;
mod compress;
mod config;
mod content_name;
mod cors;
mod counters;
mod datasets;
mod describe;
mod digest;
mod document_format;
mod drain_view;
mod errors;
mod errors_page;
mod events;
mod expect;
mod exposition;
mod forwarded;
mod guard;
mod health;
mod http2;
mod http_metrics;
mod idempotency;
mod in_flight;
mod ingest;
mod job_input;
mod job_metrics;
mod jobs;
mod json;
mod latency;
mod metrics;
mod middleware;
mod openapi;
mod pages;
mod paging;
mod ports;
mod preconditions;
mod prefer;
mod problem;
mod process;
mod rate_limit;
mod read_options;
mod readiness;
mod recent;
mod reports;
mod resource_metadata;
mod result;
mod room;
mod routes;
mod scrape;
mod server;
mod service_view;
mod sessions;
mod socket;
mod stall;
mod state;
mod submit;
mod system;
mod system_events;
mod system_feed;
mod system_publisher;
mod template;
mod template_view;
mod tls;
mod trace_context;
mod transport;
mod unpack;
mod upload;
mod view;
mod waiting;

pub use audit::AUDIT;
pub use auth::{ApiKey, Auth, Role};
pub use config::{ApiConfig, StallTimeouts};
pub use errors::Code;
pub use forwarded::{ForwardedField, TrustedProxies};
pub use job_metrics::JobMetrics;
pub use ports::{Describe, SystemPort};
pub use problem::Problem;
pub use rate_limit::RatePolicy;
pub use server::{admin_server, server};
pub use state::{ApiState, Parts};
pub use tls::{Certificate, CertificateError, Tls};

/// The OpenAPI document, JSON.
pub fn openapi() -> String {
    let document = openapi::text();
    format!("{document}\n")
}
