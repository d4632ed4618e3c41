//! `/v1/jobs`.

use actix_web::{HttpRequest, HttpResponse, web};
use lastcall_domain::lifecycle::State;
use lastcall_domain::store::{JobFilter, Order};
use lastcall_domain::{DatasetName, JobId, Service};

use crate::auth::Caller;
use crate::errors::Code;
use crate::paging::{List, Query};
use crate::problem::{ApiResult, Problem};
use crate::state::ApiState;
use crate::view::{JobKind, JobView};

/// How many jobs of a page are loaded with their input, which may be a contract or a template of
/// hundreds of kilobytes that views do not contain.
const BATCH: u32 = 50;

/// `GET /v1/jobs`
#[utoipa::path(
    get,
    path = "/v1/jobs",
    tag = "jobs",
    operation_id = "listJobs",
    summary = "List your jobs",
    description = "Oldest first unless `order` says otherwise.",
    params(
        ("session" = Option<Uuid>, Query, description = "Only jobs of this session"),
        ("state" = Option<State>, Query, description = "Only jobs in this state"),
        ("service" = Option<Service>, Query, description = "Only jobs of this service"),
        ("kind" = Option<JobKind>, Query, description = "Only jobs of this kind"),
        ("dataset" = Option<String>, Query, min_length = 1, max_length = 128, description = "Only jobs on this dataset; a query has none"),
        ("label" = Option<String>, Query, min_length = 1, max_length = 319, description = "Only jobs with this label, as `name`, or as `name:value`"),
        ("order" = Option<Order>, Query, description = "`asc`, oldest first (the default), or `desc`, newest first"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "Items per page, 1 to 1000; default 50"),
        ("cursor" = Option<String>, Query, min_length = 1, description = "`next_cursor` of the previous page"),
    ),
    responses(
        (status = 200, description = "A page of jobs", body = List<JobView>),
    ),
)]
pub(crate) async fn list(
    state: web::Data<ApiState>,
    caller: Caller,
    request: HttpRequest,
) -> ApiResult<web::Json<List<JobView>>> {
    let query = Query::of(
        &request,
        &[
            "session", "state", "service", "kind", "dataset", "label", "order", "limit", "cursor",
        ],
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
    let kind = query.parse("kind", &JobKind::ALL.join(", "), |value| {
        JobKind::ALL.into_iter().find(|kind| *kind == value)
    })?;
    let dataset = query.parse("dataset", "the name of a dataset", |value| {
        DatasetName::try_from(value.to_owned()).ok()
    })?;
    let label = query.parse("label", "the name of a label, or name:value", |value| {
        value.parse().ok()
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
        kind,
        dataset,
        label,
        alive_at: Some(state.clock.now()),
        order: query.order()?,
    };
    let (items, more, last) = views(&state, &filter, after, limit).await?;
    Ok(web::Json(List::new(
        items,
        more,
        last.map(|id| id.to_string()),
    )))
}

/// The views of a page of jobs, whether there are more, and the last job.
async fn views(
    state: &ApiState,
    filter: &JobFilter,
    mut after: Option<JobId>,
    limit: u32,
) -> ApiResult<(Vec<JobView>, bool, Option<JobId>)> {
    let mut views = Vec::new();
    let mut left = limit;
    loop {
        let page = state.store.jobs(filter, after, left.min(BATCH)).await?;
        let Some(last) = page.items.last() else {
            return Ok((views, false, after));
        };
        after = Some(last.id);
        left = left.saturating_sub(page.items.len() as u32);
        views.extend(page.items.iter().map(JobView::from));
        if !page.more || left == 0 {
            return Ok((views, page.more, after));
        }
    }
}

/// `GET /v1/jobs/{id}`
#[utoipa::path(
    get,
    path = "/v1/jobs/{id}",
    tag = "jobs",
    operation_id = "getJob",
    summary = "Get a job",
    description = "",
    params(
        ("id" = Uuid, Path, description = "The job"),
    ),
    responses(
        (status = 200, description = "The job", body = JobView),
    ),
)]
pub(crate) async fn get(
    state: web::Data<ApiState>,
    caller: Caller,
    id: web::Path<String>,
) -> ApiResult<web::Json<JobView>> {
    let job = state.job(&caller, &id).await?;
    Ok(web::Json(JobView::from(&job)))
}

/// `DELETE /v1/jobs/{id}`: a job that has ended stays as it is.
#[utoipa::path(
    delete,
    path = "/v1/jobs/{id}",
    tag = "jobs",
    operation_id = "cancelJob",
    summary = "Cancel a job",
    description = "A queued job is cancelled at once, a running one as soon as it yields; a finished one is unchanged.",
    params(
        ("id" = Uuid, Path, description = "The job"),
    ),
    responses(
        (status = 202, description = "The job", body = JobView),
    ),
)]
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
