//! The tracer: off, or with an exporter that is closed last.

use std::time::Duration;

use lastcall_domain::InstanceId;
use lastcall_domain::trace::Tracer;
use lastcall_trace::{Exporter, ExporterConfig};
use tokio::time::Instant;

use super::closers::Closers;
use crate::config::Config;

/// How long the export of the last spans may take.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Starts the configured tracer. If that fails, the failure is logged and the service runs without
/// one: no job should fail for lack of traces.
pub(super) fn start(config: &Config, instance: InstanceId, closers: &mut Closers) -> Tracer {
    let Some(endpoint) = &config.trace.otlp else {
        return Tracer::default();
    };
    let exporter = Exporter::start(&ExporterConfig {
        endpoint: endpoint.clone(),
        headers: config.trace.headers.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        instance: instance.to_string(),
    });
    let exporter = match exporter {
        Ok(exporter) => exporter,
        Err(error) => {
            log::error!("no traces are exported to {endpoint}: {error}");
            return Tracer::default();
        }
    };
    let tracer = Tracer::new(exporter.sink(), config.trace.sample);
    closers.push(move |until| {
        let until = until.min(Instant::now() + FLUSH_TIMEOUT);
        (!exporter.close(until.into_std()))
            .then(|| "the thread that exports traces did not end in time".to_owned())
    });
    tracer
}
