//! Exports spans to an OpenTelemetry collector, by OTLP over HTTP.
//!
//! [`Exporter`] is the only [`SpanSink`](lastcall_domain::trace::SpanSink) of the service. It has a
//! thread of its own behind a bounded queue: a collector that is slow, away or silent costs spans,
//! which are counted, and nothing else.
//!
//! The messages are those of OTLP 1 in their JSON encoding, which [`otlp`] writes, and the HTTP client
//! is the one of the object store. The SDK's exporter is not used: of its crates this would use the
//! encoder alone, as its batch processor neither tells how many spans it dropped nor ends within a
//! bound that its owner sets.

mod client;
mod exporter;
mod otlp;
mod queue;

pub use exporter::{Exporter, ExporterConfig, StartError, THREAD};
