//! The metrics that are counted as things happen, and the registry that they are read from.

use prometheus_client::registry::Registry;

use crate::http_metrics::HttpMetrics;
use crate::job_metrics::JobMetrics;

/// Requests, and jobs that ended. All other metrics are collected on each scrape.
#[derive(Debug)]
pub(crate) struct Counters {
    pub(crate) http: HttpMetrics,
    pub(crate) registry: Registry,
}

impl Counters {
    /// No request yet.
    pub(crate) fn new(jobs: &JobMetrics) -> Self {
        let mut registry = Registry::default();
        let http = HttpMetrics::new(&mut registry);
        jobs.register(&mut registry);
        Self { http, registry }
    }
}
