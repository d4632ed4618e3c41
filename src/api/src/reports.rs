//! `POST /v1/sessions/{sid}/reports`.

use actix_web::{HttpRequest, HttpResponse, web};
use lastcall_domain::lifecycle::State;
use lastcall_domain::{
    ChartSpec, Job, JobId, JobSpec, Labels, Priority, ReportOptions, ReportSource, Service, Session,
};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::document_format::DocumentFormat;
use crate::errors::Code;
use crate::json::JsonBody;
use crate::problem::{ApiResult, Problem};
use crate::state::ApiState;
use crate::submit::{self, NewJob};
use crate::template::{self, NewTemplate};
use crate::view::JobView;

/// The source of the report: exactly one of `dataset` and `analysis`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NewReport {
    dataset: Option<String>,
    analysis: Option<String>,
    format: DocumentFormat,
    chart: Option<ChartSpec>,
    template: Option<Value>,
    #[serde(default)]
    priority: Priority,
    #[serde(default)]
    labels: Labels,
}

/// What is to be reported on, for the document only: it is read as [`NewReport`].
#[derive(ToSchema)]
#[schema(as = NewReport)]
#[serde(untagged)]
#[expect(dead_code, reason = "what it says is its schema")]
pub(crate) enum NewReportBody {
    /// The profile of a dataset.
    OnDataset(NewDatasetReport),
    /// The result of an analysis.
    OnAnalysis(NewAnalysisReport),
}

/// A report on the profile of a dataset.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "what it says is its schema")]
pub(crate) struct NewDatasetReport {
    /// The dataset.
    #[schema(example = "penguins")]
    dataset: String,
    /// The format of the report.
    format: DocumentFormat,
    /// The look of a PDF.
    template: Option<NewTemplate>,
    /// Its priority among its owner's jobs.
    #[schema(required = false)]
    priority: Priority,
    /// Labels: up to 16 names, each with a value.
    #[schema(required = false)]
    labels: Labels,
}

/// A report on the result of an analysis.
#[derive(ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "what it says is its schema")]
pub(crate) struct NewAnalysisReport {
    /// The id of the analysis, finished or not.
    analysis: uuid::Uuid,
    /// The format of the report.
    format: DocumentFormat,
    /// A chart of the result, if the analysis is a query.
    chart: Option<ChartSpec>,
    /// The look of a PDF.
    template: Option<NewTemplate>,
    /// Its priority among its owner's jobs.
    #[schema(required = false)]
    priority: Priority,
    /// Labels: up to 16 names, each with a value.
    #[schema(required = false)]
    labels: Labels,
}

/// `POST /v1/sessions/{sid}/reports`
#[utoipa::path(
    post,
    path = "/v1/sessions/{sid}/reports",
    tag = "jobs",
    operation_id = "createReport",
    summary = "Submit a report",
    description = "On a dataset, or on an analysis, which need not have finished. A report on a query may have a chart of its result, and a PDF a template of yours.",
    params(
        ("sid" = Uuid, Path, description = "The session"),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[ -~]+$", description = "Up to 255 printable ASCII characters: the same request under the same key is answered with the first answer, and done once"),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: answer with the finished job if it finishes within N seconds"),
    ),
    request_body(content = NewReportBody, description = "The report", examples(
        ("standard" = (summary = "The standard report", value = json!({"dataset": "penguins", "format": "pdf"}))),
        ("template" = (summary = "A report with a template of one's own", value = json!({"dataset": "penguins", "format": "pdf", "template": {"title": "Penguins of the Palmer Archipelago", "colors": {"accent": "#8a1c3c"}, "source": "#import \"lastcall.typ\": body, masthead, standard\n#show: standard\n#set page(header: [Marine research])\n#masthead\n#body\n"}}))),
    )),
    responses(
        (status = 202, description = "The job is on disk", body = JobView, headers(("Location" = String, description = "The path of the job"), ("Idempotent-Replayed" = Option<String>, description = "`true` on a repeated answer"), ("Preference-Applied" = Option<String>, description = "The wait that was applied"))),
        (status = 200, description = "The job finished within the preferred wait", body = JobView, headers(("Location" = String, description = "The path of the job"))),
    ),
)]
pub(crate) async fn create(
    state: web::Data<ApiState>,
    caller: Caller,
    request: HttpRequest,
    id: web::Path<String>,
    body: JsonBody,
) -> ApiResult<HttpResponse> {
    let session = state.session_to_submit(&caller, &id).await?;
    let new_job = new_job(&state, &session, &body).await;
    submit::submit(&state, &session, &request, &body, new_job).await
}

async fn new_job(state: &ApiState, session: &Session, body: &JsonBody) -> ApiResult<NewJob> {
    let new: NewReport = body.parse()?;
    if let Some(chart) = &new.chart {
        let checked = chart.check();
        checked.map_err(|error| Problem::new(Code::InvalidRequest, error.to_string()))?;
    }
    let template = match new.template {
        Some(template) => Some(template::checked(template, new.format)?),
        None => None,
    };
    let source = match (&new.dataset, &new.analysis) {
        (Some(_), None) if new.chart.is_some() => return Err(no_chart()),
        (Some(dataset), None) => {
            ReportSource::Dataset(state.dataset_to_submit(session, dataset).await?)
        }
        (None, Some(analysis)) => {
            let analysis = analysis_of(state, session, analysis).await?;
            if new.chart.is_some() && !matches!(analysis.spec, JobSpec::Sql { .. }) {
                return Err(no_chart());
            }
            ReportSource::Analysis(analysis.id)
        }
        _ => {
            let detail = "a report is on a `dataset` or on an `analysis`: name one of them";
            return Err(Problem::new(Code::InvalidRequest, detail));
        }
    };
    let spec = JobSpec::Report {
        source,
        format: new.format.into(),
        options: Box::new(ReportOptions {
            chart: new.chart,
            template,
        }),
    };
    Ok(NewJob {
        spec,
        priority: new.priority,
        labels: new.labels,
    })
}

fn no_chart() -> Problem {
    let detail = "a `chart` is of the result of a query: name an `analysis` of kind `sql`";
    Problem::new(Code::InvalidRequest, detail)
}

/// The analysis with this id, if it belongs to the session and may still have a result.
async fn analysis_of(state: &ApiState, session: &Session, id: &str) -> ApiResult<Job> {
    let missing = || Problem::new(Code::JobNotFound, "the session has no job of this id");
    let id: JobId = id.parse().map_err(|_| missing())?;
    let job = state.store.job(id).await?;
    let job = job
        .filter(|job| job.session == session.id && job.owner == session.owner)
        .ok_or_else(missing)?;
    if job.service() != Service::Analysis {
        let detail = "that job is a report; a report is made of an analysis";
        return Err(Problem::new(Code::InvalidRequest, detail));
    }
    if job.spec.format() != "json" {
        let detail = "the result of that analysis is no JSON, and a report is made of JSON";
        return Err(Problem::new(Code::InvalidRequest, detail));
    }
    match job.state() {
        State::Failed | State::Cancelled => Err(Problem::new(
            Code::AnalysisNotSucceeded,
            format!("the analysis is {}", job.state().as_str()),
        )
        .about_job(job.error)),
        State::Queued | State::Running | State::Succeeded => Ok(job),
    }
}
