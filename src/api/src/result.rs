//! `GET /v1/jobs/{id}/result`: the analysis as JSON, or the report's bytes.

use std::sync::LazyLock;

use actix_web::body::SizedStream;
use actix_web::http::header::{self, ETag, EntityTag, IfNoneMatch};
use actix_web::{HttpResponse, HttpResponseBuilder, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use lastcall_domain::lifecycle::State;
use lastcall_domain::store::{JobResult, ResultLocation};
use lastcall_domain::{BlobError, Job, JobSpec, ReportSource};
use sha2::{Digest, Sha256};

use crate::auth::Caller;
use crate::content_name::disposition;
use crate::errors::Code;
use crate::problem::{ApiResult, Problem};
use crate::state::ApiState;
use crate::view::Binary;

/// The caching of results.
const PRIVATE: &str = "private, no-cache";
/// The one script that a report may run.
const REPORT_SCRIPT: &str = include_str!("../../render/templates/report.js");

/// A report shows uploaded data, so it may run only the script of its layout, loads nothing, and
/// has an opaque origin even when it is opened in a browser. Its own policy allows one style sheet,
/// and is as strict otherwise.
static REPORT_CSP: LazyLock<String> = LazyLock::new(|| {
    let hash = STANDARD.encode(Sha256::digest(REPORT_SCRIPT));
    format!(
        "sandbox allow-scripts; default-src 'none'; script-src 'sha256-{hash}'; \
         style-src 'unsafe-inline'; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
    )
});

/// `GET /v1/jobs/{id}/result`
#[utoipa::path(
    get,
    path = "/v1/jobs/{id}/result",
    tag = "jobs",
    operation_id = "getResult",
    summary = "Get the result of a job",
    description = "The analysis as JSON (the rows of a query in the requested format), or the bytes of the report.",
    params(
        ("id" = Uuid, Path, description = "The job"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag of a cached result"),
    ),
    responses(
        (status = 200, description = "The result", content(
            (inline(Binary) = "application/octet-stream"),
            (serde_json::Value = "application/json"),
            (String = "text/html"),
            (String = "text/markdown"),
            (String = "text/csv"),
            (inline(Binary) = "application/pdf"),
            (inline(Binary) = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
            (inline(Binary) = "application/vnd.apache.parquet"),
            (inline(Binary) = "application/vnd.apache.arrow.stream"),
        ), headers(("ETag" = String, description = "Identifies the result"), ("Content-Disposition" = String, description = "A file name"))),
        (status = 304, description = "The cached result is current"),
    ),
)]
pub(crate) async fn get(
    state: web::Data<ApiState>,
    caller: Caller,
    id: web::Path<String>,
    if_none_match: web::Header<IfNoneMatch>,
) -> ApiResult<HttpResponse> {
    let job = state.job(&caller, &id).await?;
    has_result(&job)?;
    // The result of a job never changes.
    let tag = EntityTag::new_strong(job.id.to_string());
    if matches(&if_none_match, &tag) {
        return Ok(HttpResponse::NotModified()
            .insert_header(ETag(tag))
            .insert_header((header::CACHE_CONTROL, PRIVATE))
            .finish());
    }
    let result = state.store.result(job.id).await?.ok_or_else(|| {
        Problem::new(
            Code::JobNotFound,
            "its session was just removed, and it too",
        )
    })?;
    let mut response = head(&job, &result, tag);
    match result.location {
        ResultLocation::Inline(bytes) => Ok(response.body(bytes)),
        ResultLocation::Blob(key) => match state.blobs.read(&key).await {
            Ok(blob) => Ok(response.body(SizedStream::new(blob.bytes, blob.stream))),
            Err(BlobError::NotFound) => {
                // Either its session is gone, or the blob store has lost it.
                state.job(&caller, &id).await?;
                Err(BlobError::NotFound.into())
            }
            Err(error) => Err(error.into()),
        },
    }
}

fn has_result(job: &Job) -> ApiResult<()> {
    let (code, detail) = match job.state() {
        State::Succeeded => return Ok(()),
        State::Queued | State::Running => (
            Code::JobNotFinished,
            format!(
                "the job is {}; ask again, or follow its events",
                job.state().as_str()
            ),
        ),
        State::Failed => (
            Code::JobFailed,
            job.error
                .as_ref()
                .map_or_else(|| "it failed".to_owned(), ToString::to_string),
        ),
        State::Cancelled => (Code::JobCancelled, "it was cancelled".to_owned()),
    };
    Err(Problem::new(code, detail).about_job(job.error.clone()))
}

fn head(job: &Job, result: &JobResult, tag: EntityTag) -> HttpResponseBuilder {
    let mut response = HttpResponse::Ok();
    let shown = if shown_by_browsers(&result.media_type) {
        "inline"
    } else {
        "attachment"
    };
    response
        .content_type(result.media_type.as_str())
        .insert_header(ETag(tag))
        .insert_header((
            header::CONTENT_DISPOSITION,
            disposition(shown, &file_name(job)),
        ))
        // Private, and revalidated each time, because its session may have ended.
        .insert_header((header::CACHE_CONTROL, PRIVATE));
    if result.media_type.starts_with("text/html") {
        response.insert_header((header::CONTENT_SECURITY_POLICY, REPORT_CSP.as_str()));
    }
    response
}

fn shown_by_browsers(media_type: &str) -> bool {
    ["text/html", "application/pdf", "application/json"]
        .iter()
        .any(|shown| media_type.starts_with(shown))
}

/// The file name of the result.
fn file_name(job: &Job) -> String {
    let format = job.spec.format();
    match &job.spec {
        JobSpec::Profile { dataset, .. } => format!("{dataset}.profile.{format}"),
        JobSpec::Correlation { dataset, .. } => format!("{dataset}.correlation.{format}"),
        JobSpec::Compare {
            baseline,
            candidate,
            ..
        } => format!("{baseline}-{candidate}.compare.{format}"),
        JobSpec::Check { dataset, .. } => format!("{dataset}.check.{format}"),
        JobSpec::Sql { .. } => format!("query.{format}"),
        JobSpec::Report { source, .. } => match source {
            ReportSource::Dataset(dataset) => format!("{dataset}.report.{format}"),
            ReportSource::Analysis(_) => format!("report.{format}"),
        },
    }
}

fn matches(if_none_match: &IfNoneMatch, tag: &EntityTag) -> bool {
    match if_none_match {
        IfNoneMatch::Any => true,
        IfNoneMatch::Items(tags) => tags.iter().any(|other| other.weak_eq(tag)),
    }
}
