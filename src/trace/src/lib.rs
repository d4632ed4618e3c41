//! Exports spans to an OpenTelemetry collector, by OTLP over HTTP.
//!
//! [`Exporter`] is the only [`SpanSink`](lastcall_domain::trace::SpanSink) of the service. It has
//! its own thread behind a bounded queue: a collector that is slow, unreachable or silent costs
//! spans, which are counted, and nothing else.
//!
//! The messages are those of OTLP 1 in their JSON encoding, which [`otlp`] writes; the HTTP client
//! is that of the object store. The SDK's exporter is not used: only its encoder would be of use,
//! because its batch processor neither reports how many spans it dropped nor ends within a bound
//! that its owner sets.

mod client;
mod exporter;
mod otlp;
mod queue;

pub use exporter::{Exporter, ExporterConfig, StartError, THREAD};
