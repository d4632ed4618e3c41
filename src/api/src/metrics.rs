//! `/metrics`: Prometheus text. `docs/metrics.md` describes every metric, and a test compares.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::http::Method;
use actix_web::{HttpResponse, web};
use lastcall_domain::store::StoreCounts;
use lastcall_domain::{Disk, Service, Timestamp};
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, Opts, Registry, TextEncoder};

use crate::errors::Code;
use crate::figures;
use crate::problem::{ApiResult, Problem};
use crate::state::ApiState;

/// Upper bounds of the classes of request durations, in seconds.
const DURATIONS: [f64; 12] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0,
];

/// Of each service whose queue is known, when the job was accepted that has waited for longest;
/// `None` where none waits.
pub(crate) type OldestQueued = BTreeMap<Service, Option<Timestamp>>;

/// What is counted as it happens. All else is asked for when somebody looks.
pub(crate) struct Metrics {
    http: Option<Http>,
}

struct Http {
    registry: Registry,
    requests: IntCounterVec,
    durations: HistogramVec,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        // The names are fixed and valid, so this does not fail; if it ever did, the service
        // would go on without these two.
        let http = Http::new().inspect_err(|error| log::error!("no HTTP metrics: {error}"));
        Self { http: http.ok() }
    }

    /// All metrics, as Prometheus reads them.
    fn text(
        &self,
        state: &ApiState,
        counts: Option<&StoreCounts>,
        oldest: &OldestQueued,
        disks: &[Disk],
    ) -> prometheus::Result<String> {
        let mut families = match &self.http {
            Some(http) => http.registry.gather(),
            None => Vec::new(),
        };
        families.extend(figures::gather(state, counts, oldest, disks)?);
        TextEncoder::new().encode_to_string(&families)
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
                "Time from a request's head to the head of its answer.",
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

/// `GET /metrics`
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "system",
    operation_id = "metrics",
    summary = "Figures for Prometheus",
    description = "",
    responses(
        (status = 200, description = "Prometheus text", body = String, content_type = "text/plain"),
    ),
)]
pub(crate) async fn get(state: web::Data<ApiState>) -> ApiResult<HttpResponse> {
    let counts = state.counts().await;
    let oldest = match &counts {
        Some(counts) => state.oldest_queued(counts).await,
        None => OldestQueued::new(),
    };
    let disks = state.disks.disks().await;
    match state.metrics.text(&state, counts.as_ref(), &oldest, &disks) {
        Ok(text) => Ok(HttpResponse::Ok()
            .content_type("text/plain; version=0.0.4; charset=utf-8")
            .body(text)),
        Err(error) => Err(Problem::new(
            Code::Internal,
            format!("the metrics cannot be written: {error}"),
        )),
    }
}
