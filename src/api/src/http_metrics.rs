//! Metrics counted per request; all others are collected on each scrape.

use std::time::Duration;

use actix_web::http::Method;
use prometheus::proto::MetricFamily;
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry};

/// Upper bounds of the classes of request durations, in seconds.
const DURATIONS: [f64; 12] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0,
];

/// The requests that were answered.
pub(crate) struct HttpMetrics {
    http: Option<Http>,
}

struct Http {
    registry: Registry,
    requests: IntCounterVec,
    durations: HistogramVec,
}

impl HttpMetrics {
    pub(crate) fn new() -> Self {
        // The names are fixed and valid, so this does not fail; if it ever did, the service
        // would go on without these two.
        let http = Http::new()
            .inspect_err(|error| log::error!("cannot register the HTTP metrics: {error}"));
        Self { http: http.ok() }
    }

    /// What was counted.
    pub(crate) fn gather(&self) -> Vec<MetricFamily> {
        match &self.http {
            Some(http) => http.registry.gather(),
            None => Vec::new(),
        }
    }

    /// Counts a request.
    pub(crate) fn answered(&self, method: &Method, route: &str, status: u16, took: Duration) {
        let Some(http) = &self.http else { return };
        let method = bounded(method);
        http.requests
            .with_label_values(&[method, route, &status.to_string()])
            .inc();
        http.durations
            .with_label_values(&[method, route])
            .observe(took.as_secs_f64());
    }
}

impl Http {
    fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        let requests = IntCounterVec::new(
            Opts::new("lastcall_http_requests_total", "Requests answered."),
            &["method", "route", "status"],
        )?;
        let durations = HistogramVec::new(
            HistogramOpts::new(
                "lastcall_http_request_duration_seconds",
                "Time from a request's head to its answer's head.",
            )
            .buckets(DURATIONS.to_vec()),
            &["method", "route"],
        )?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(durations.clone()))?;
        Ok(Self {
            registry,
            requests,
            durations,
        })
    }
}

/// The method as a label: callers may send any, the labels have to be few.
fn bounded(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        _ => "other",
    }
}
