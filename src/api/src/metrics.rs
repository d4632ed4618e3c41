//! `/metrics`: Prometheus text. `docs/metrics.md` describes every metric, and a test compares.

use actix_web::{HttpResponse, web};
use prometheus::TextEncoder;

use crate::errors::Code;
use crate::figures::{self, OldestQueued};
use crate::problem::{ApiResult, Problem};
use crate::state::ApiState;

/// `GET /metrics`
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "system",
    operation_id = "metrics",
    summary = "Metrics for Prometheus",
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
    let mut families = state.metrics.gather();
    let text = figures::gather(&state, counts.as_ref(), &oldest, &disks).and_then(|figures| {
        families.extend(figures);
        TextEncoder::new().encode_to_string(&families)
    });
    match text {
        Ok(text) => Ok(HttpResponse::Ok()
            .content_type("text/plain; version=0.0.4; charset=utf-8")
            .body(text)),
        Err(error) => Err(Problem::new(
            Code::Internal,
            format!("the metrics cannot be written: {error}"),
        )),
    }
}
