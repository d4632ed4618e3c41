//! `/metrics`: the text format of Prometheus, or OpenMetrics if the client prefers it.
//! `docs/metrics.md` describes every metric, and a test compares them.

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::errors::Code;
use crate::exposition::Exposition;
use crate::problem::{ApiResult, Problem};
use crate::scrape::{self, OldestQueued};
use crate::state::ApiState;

/// `GET /metrics`
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "system",
    operation_id = "metrics",
    summary = "Metrics for Prometheus",
    description = "OpenMetrics, with exemplars, if `Accept` prefers it.",
    responses(
        (status = 200, description = "Metrics", content(
            (String = "text/plain"),
            (String = "application/openmetrics-text"),
        )),
    ),
)]
pub(crate) async fn get(
    state: web::Data<ApiState>,
    request: HttpRequest,
) -> ApiResult<HttpResponse> {
    let counts = state.counts().await;
    let oldest = match &counts {
        Some(counts) => state.oldest_queued(counts).await,
        None => OldestQueued::new(),
    };
    let disks = state.disks.disks().await;
    let collected = scrape::collect(&state, counts.as_ref(), &oldest, &disks);
    let format = Exposition::accepted(request.headers());
    match format.write(&[&state.counters.registry, &collected]) {
        Ok(text) => Ok(HttpResponse::Ok()
            .content_type(format.content_type())
            .insert_header((header::VARY, HeaderValue::from_static("Accept")))
            .body(text)),
        Err(error) => Err(Problem::new(
            Code::Internal,
            format!("the metrics cannot be written: {error}"),
        )),
    }
}
