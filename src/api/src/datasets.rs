//! `/v1/sessions/{sid}/datasets`, except the upload.

use actix_web::http::header::ETag;
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lastcall_domain::store::Precondition;
use lastcall_domain::{Dataset, DatasetName, Format, ReadOptions};

use crate::auth::Caller;
use crate::errors::Code;
use crate::json::JsonBody;
use crate::paging::{List, Query};
use crate::preconditions;
use crate::problem::{ApiResult, Problem};
use crate::read_options::{self, ReadQuery};
use crate::state::ApiState;
use crate::upload::discard;
use crate::view::{DatasetView, DescriptionView};

/// The most tries of a change while others change the same dataset. One of all concurrent changes
/// succeeds in each round.
const PATCH_ATTEMPTS: usize = 32;

/// The prefix of a cursor, so that not every word is one.
const CURSOR: &str = "after:";

/// `GET /v1/sessions/{sid}/datasets`
#[utoipa::path(
    get,
    path = "/v1/sessions/{sid}/datasets",
    tag = "datasets",
    operation_id = "listDatasets",
    summary = "List the datasets of a session",
    description = "By name.",
    params(
        ("sid" = Uuid, Path, description = "The session"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "Items per page, 1 to 1000; default 50"),
        ("cursor" = Option<String>, Query, min_length = 1, description = "`next_cursor` of the previous page"),
    ),
    responses(
        (status = 200, description = "A page of datasets", body = List<DatasetView>),
    ),
)]
pub(crate) async fn list(
    state: web::Data<ApiState>,
    caller: Caller,
    request: HttpRequest,
    id: web::Path<String>,
) -> ApiResult<web::Json<List<DatasetView>>> {
    let query = Query::of(&request, &["limit", "cursor"])?;
    let limit = query.limit()?;
    let after = query.parse("cursor", "a next_cursor", |value| {
        let name = URL_SAFE_NO_PAD.decode(value.strip_prefix(CURSOR)?).ok()?;
        DatasetName::try_from(String::from_utf8(name).ok()?).ok()
    })?;
    let session = state.session(&caller, &id).await?;
    let page = state
        .store
        .datasets(session.id, after.as_ref(), limit)
        .await?;
    let last = page.items.last();
    let cursor = last.map(|dataset| {
        let name = URL_SAFE_NO_PAD.encode(dataset.name.as_str());
        format!("{CURSOR}{name}")
    });
    let items = page.items.iter().map(DatasetView::from).collect();
    Ok(web::Json(List::new(items, page.more, cursor)))
}

/// `GET /v1/sessions/{sid}/datasets/{name}`
#[utoipa::path(
    get,
    path = "/v1/sessions/{sid}/datasets/{name}",
    tag = "datasets",
    operation_id = "getDataset",
    summary = "Describe a dataset",
    description = "With its columns, which are read from the data the first time.",
    params(
        ("sid" = Uuid, Path, description = "The session"),
        ("name" = String, Path, min_length = 1, max_length = 128, example = "penguins", description = "The dataset"),
    ),
    responses(
        (status = 200, description = "The dataset", body = DescriptionView, headers(("ETag" = String, description = "Identifies its bytes"))),
    ),
)]
pub(crate) async fn get(
    state: web::Data<ApiState>,
    caller: Caller,
    path: web::Path<(String, String)>,
) -> ApiResult<HttpResponse> {
    let (session, name) = path.into_inner();
    let session = state.session(&caller, &session).await?;
    let dataset = state.dataset(&session, &name).await?;
    describe(&state, &dataset).await
}

/// `PATCH /v1/sessions/{sid}/datasets/{name}`
#[utoipa::path(
    patch,
    path = "/v1/sessions/{sid}/datasets/{name}",
    tag = "datasets",
    operation_id = "patchDataset",
    summary = "Change how a dataset is read",
    description = "Without an upload. Options are query parameters or members of a JSON body; others are unchanged, and `null` in the body means to detect the option again.",
    params(
        ("sid" = Uuid, Path, description = "The session"),
        ("name" = String, Path, min_length = 1, max_length = 128, example = "penguins", description = "The dataset"),
        ("If-Match" = Option<String>, Header, description = "`*`, or the `ETag`s of the dataset to change"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only where there is no such dataset, so that nothing is changed"),
        ReadQuery,
    ),
    request_body(content = Option<ReadOptions>, description = "Read options", example = json!({"missing": ["NA", "-"]})),
    responses(
        (status = 200, description = "The dataset with its columns as now read", body = DescriptionView, headers(("ETag" = String, description = "Identifies its bytes"))),
    ),
)]
pub(crate) async fn patch(
    state: web::Data<ApiState>,
    caller: Caller,
    request: HttpRequest,
    path: web::Path<(String, String)>,
    body: JsonBody,
) -> ApiResult<HttpResponse> {
    let (session, name) = path.into_inner();
    let session = state.session(&caller, &session).await?;
    let precondition = preconditions::of(request.headers())?;
    for _ in 0..PATCH_ATTEMPTS {
        let seen = state.dataset(&session, &name).await?;
        if !precondition.is_met(Some(&seen)) {
            return Err(preconditions::failed(&seen.name));
        }
        let read = read_options::changed(&seen, &request, &body)?;
        // If another change came first, this one is applied to its result.
        if state.store.set_read_options(&seen, read).await? {
            state.recent.remove(session.id);
            // Deletes what was derived with the old options; the bytes stay.
            if seen.format != Format::Parquet || !seen.read.is_empty() {
                discard(&state, &seen.materialized()).await;
                discard(&state, &seen.profiled()).await;
            }
            let dataset = state.dataset(&session, &name).await?;
            return describe(&state, &dataset).await;
        }
    }
    let detail = format!("others change the dataset {name:?} at the same time; try again");
    Err(Problem::new(Code::StoreUnavailable, detail).retry_after(1))
}

/// The dataset with its columns.
async fn describe(state: &ApiState, dataset: &Dataset) -> ApiResult<HttpResponse> {
    let schema = state.schemas.of(dataset, state.system.stopping()).await;
    Ok(HttpResponse::Ok()
        .insert_header(ETag(preconditions::tag(dataset)))
        .json(DescriptionView::new(dataset, schema)))
}

/// `DELETE /v1/sessions/{sid}/datasets/{name}`
#[utoipa::path(
    delete,
    path = "/v1/sessions/{sid}/datasets/{name}",
    tag = "datasets",
    operation_id = "deleteDataset",
    summary = "Delete a dataset",
    description = "",
    params(
        ("sid" = Uuid, Path, description = "The session"),
        ("name" = String, Path, min_length = 1, max_length = 128, example = "penguins", description = "The dataset"),
        ("If-Match" = Option<String>, Header, description = "`*`, or the `ETag`s of the dataset to delete"),
        ("If-None-Match" = Option<String>, Header, description = "`*`: only where there is no such dataset, so that nothing is deleted"),
    ),
    responses(
        (status = 204, description = "Deleted"),
    ),
)]
pub(crate) async fn delete(
    state: web::Data<ApiState>,
    caller: Caller,
    request: HttpRequest,
    path: web::Path<(String, String)>,
) -> ApiResult<HttpResponse> {
    let (session, name) = path.into_inner();
    let session = state.session(&caller, &session).await?;
    let dataset = state.dataset(&session, &name).await?;
    let precondition = preconditions::of(request.headers())?;
    let deleted = state
        .store
        .delete_dataset(session.id, &dataset.name, &precondition)
        .await?;
    match deleted {
        Some(deleted) => {
            state.recent.remove(session.id);
            discard(&state, &deleted.blob).await;
        }
        // Already deleted by another request, as intended.
        None if precondition == Precondition::None => {}
        None => return Err(preconditions::failed(&dataset.name)),
    }
    Ok(HttpResponse::NoContent().finish())
}
