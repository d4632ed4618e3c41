//! `/v1/jobs`.

use actix_web::{HttpRequest, HttpResponse, web};
use lastcall_domain::lifecycle::State;
use lastcall_domain::store::JobFilter;
use lastcall_domain::{JobId, Service};

use crate::auth::Caller;
use crate::errors::Code;
use crate::paging::{List, Query};
use crate::problem::{ApiResult, Problem};
use crate::state::ApiState;
use crate::view::JobView;

/// `GET /v1/jobs`
pub(crate) async fn list(
    state: web::Data<ApiState>,
    caller: Caller,
    request: HttpRequest,
) -> ApiResult<web::Json<List<JobView>>> {
    let query = Query::of(
        &request,
        &["session", "state", "service", "limit", "cursor"],
    )?;
    let limit = query.limit()?;
    let after = query.parse("cursor", "a next_cursor", |value| {
        value.parse::<JobId>().ok()
    })?;
    let job_state = query.parse(
        "state",
        "queued, running, succeeded, failed or cancelled",
        State::from_name,
    )?;
    let service = query.parse("service", "analysis or report", |value| {
        value.parse::<Service>().ok()
    })?;
    let session = match query.get("session") {
        Some(id) => Some(state.session(&caller, id).await?.id),
        None => None,
    };
    let filter = JobFilter {
        owner: Some(caller.owner),
        session,
        state: job_state,
        service,
    };
    let page = state.store.jobs(&filter, after, limit).await?;
    let cursor = page.items.last().map(|job| job.id.to_string());
    let items = page.items.iter().map(JobView::from).collect();
    Ok(web::Json(List::new(items, page.more, cursor)))
}

/// `GET /v1/jobs/{id}`
pub(crate) async fn get(
    state: web::Data<ApiState>,
    caller: Caller,
    id: web::Path<String>,
) -> ApiResult<web::Json<JobView>> {
    let job = state.job(&caller, &id).await?;
    Ok(web::Json(JobView::from(&job)))
}

/// `DELETE /v1/jobs/{id}`: a job that has ended stays as it is.
pub(crate) async fn cancel(
    state: web::Data<ApiState>,
    caller: Caller,
    id: web::Path<String>,
) -> ApiResult<HttpResponse> {
    let job = state.job(&caller, &id).await?;
    let job = state.store.cancel(job.id).await?.ok_or_else(|| {
        Problem::new(
            Code::JobNotFound,
            "its session was just deleted, and it too",
        )
    })?;
    state.feed.changed(job.id);
    state.system.cancel(job.id);
    Ok(HttpResponse::Accepted().json(JobView::from(&job)))
}
