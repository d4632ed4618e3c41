//! `POST /v1/sessions/{sid}/analyses`.

use actix_web::{HttpRequest, HttpResponse, web};
use lastcall_domain::{JobSpec, ProfileOptions, Session, TableFormat};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::errors::Code;
use crate::json::JsonBody;
use crate::problem::{ApiResult, Problem};
use crate::state::ApiState;
use crate::submit;
use crate::view::JobView;

/// The longest query, in bytes.
const MAX_QUERY: usize = 64 * 1024;

/// What is to be analysed, and how. Which fields there are depends on `kind`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAnalysis {
    /// `profile` (the default where a dataset is named), `sql`, `correlation` or `compare`.
    #[schema(example = "profile")]
    kind: Option<String>,
    /// The dataset: for `profile`, `correlation` and `compare`.
    #[schema(example = "penguins")]
    dataset: Option<String>,
    /// The dataset to compare with: for `compare`.
    with: Option<String>,
    /// The query, of at most 64 KiB; the session's datasets are its tables: for `sql`.
    query: Option<String>,
    /// The format of the result, `json` (the default), `csv`, `parquet` or `arrow`: for `sql`.
    format: Option<String>,
    /// `read` (how to read the data) and `alerts` (from where on an alert is raised), each field
    /// of them optional: for all kinds but `sql`.
    #[schema(value_type = Option<Object>)]
    options: Option<Value>,
}

/// `POST /v1/sessions/{sid}/analyses`
#[utoipa::path(
    post,
    path = "/v1/sessions/{sid}/analyses",
    tag = "jobs",
    operation_id = "createAnalysis",
    summary = "Ask for an analysis",
    description = "",
    params(
        ("sid" = Uuid, Path, description = "The session"),
        ("Idempotency-Key" = Option<String>, Header, description = "Up to 255 printable ASCII characters: the same request under the same key is answered with the first answer, and done once"),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: answer with the finished job, if it finishes within N seconds"),
    ),
    request_body(content = NewAnalysis, description = "What is to be analysed"),
    responses(
        (status = 202, description = "The job is on disk and will end exactly once", body = JobView, headers(("Location" = String, description = "The path of the job"), ("Idempotent-Replayed" = Option<String>, description = "`true` on a repeated answer"), ("Preference-Applied" = Option<String>, description = "The wait that was applied"))),
        (status = 200, description = "The job finished within the wait that was preferred", body = JobView, headers(("Location" = String, description = "The path of the job"))),
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
    let spec = spec(&state, &session, &body).await;
    submit::submit(&state, &session, &request, &body, spec).await
}

async fn spec(state: &ApiState, session: &Session, body: &JsonBody) -> ApiResult<JobSpec> {
    let new: NewAnalysis = body.parse()?;
    let kind = match (&new.kind, &new.dataset) {
        (Some(kind), _) => kind.as_str(),
        (None, Some(_)) => "profile",
        (None, None) => return Err(invalid("name a `dataset`, or a `kind`")),
    };
    let fields = match kind {
        "profile" | "correlation" => &["dataset", "options"][..],
        "compare" => &["dataset", "with", "options"],
        "sql" => &["query", "format"],
        other => {
            return Err(invalid(format!(
                "there is no kind {other:?}; there are profile, sql, correlation and compare"
            )));
        }
    };
    new.only(kind, fields)?;
    if kind == "sql" {
        return sql(new);
    }
    let dataset = new
        .dataset
        .as_deref()
        .ok_or_else(|| missing("dataset", kind))?;
    let dataset = state.dataset_to_submit(session, dataset).await?;
    let options = match new.options {
        Some(options) => {
            only_objects(&options)?;
            let options: ProfileOptions = serde_json::from_value(options)
                .map_err(|error| invalid(format!("options: {error}")))?;
            options
                .check()
                .map_err(|error| invalid(error.to_string()))?;
            options
        }
        None => ProfileOptions::default(),
    };
    Ok(match kind {
        "profile" => JobSpec::Profile { dataset, options },
        "correlation" => JobSpec::Correlation { dataset, options },
        _ => {
            let with = new.with.as_deref().ok_or_else(|| missing("with", kind))?;
            JobSpec::Compare {
                with: state.dataset_to_submit(session, with).await?,
                dataset,
                options,
            }
        }
    })
}

/// Refuses arrays, whose elements serde would take for the fields, in order.
fn only_objects(options: &Value) -> ApiResult<()> {
    let parts = [
        ("options", Some(options)),
        ("options.read", options.get("read")),
        ("options.alerts", options.get("alerts")),
    ];
    for (name, part) in parts {
        if part.is_some_and(Value::is_array) {
            return Err(invalid(format!("`{name}` has to be a JSON object")));
        }
    }
    Ok(())
}

fn sql(new: NewAnalysis) -> ApiResult<JobSpec> {
    let query = new.query.ok_or_else(|| missing("query", "sql"))?;
    if query.trim().is_empty() {
        return Err(invalid("the query is empty"));
    }
    if query.len() > MAX_QUERY {
        return Err(invalid(format!("a query has at most {MAX_QUERY} bytes")));
    }
    let format = match new.format.as_deref().unwrap_or("json") {
        "json" => TableFormat::Json,
        "csv" => TableFormat::Csv,
        "parquet" => TableFormat::Parquet,
        "arrow" => TableFormat::Arrow,
        other => {
            return Err(invalid(format!(
                "there is no format {other:?}; there are json, csv, parquet and arrow"
            )));
        }
    };
    Ok(JobSpec::Sql { query, format })
}

impl NewAnalysis {
    /// Refuses fields that this kind of analysis does not have.
    fn only(&self, kind: &str, fields: &[&str]) -> ApiResult<()> {
        let given = [
            ("dataset", self.dataset.is_some()),
            ("with", self.with.is_some()),
            ("query", self.query.is_some()),
            ("format", self.format.is_some()),
            ("options", self.options.is_some()),
        ];
        match given
            .iter()
            .find(|(field, given)| *given && !fields.contains(field))
        {
            Some((field, _)) => Err(invalid(format!(
                "an analysis of kind {kind} has no `{field}`"
            ))),
            None => Ok(()),
        }
    }
}

fn missing(field: &str, kind: &str) -> Problem {
    invalid(format!("an analysis of kind {kind} needs a `{field}`"))
}

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(Code::InvalidRequest, detail)
}
