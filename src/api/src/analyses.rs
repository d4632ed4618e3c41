//! `POST /v1/sessions/{sid}/analyses`.

mod parse;

use actix_web::{HttpRequest, HttpResponse, web};
use lastcall_contract::ContractError;
use lastcall_domain::{
    CheckOptions, CompareOptions, DatasetName, InvalidOption, JobSpec, Labels, Priority,
    ProfileOptions, ReadOptions, Session, SqlParameter, TableFormat,
};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::errors::Code;
use crate::json::{JsonBody, NUL, contains_nul};
use crate::problem::{ApiResult, Problem};
use crate::state::ApiState;
use crate::submit::{self, NewJob};
use crate::view::JobView;

/// The longest query, in bytes.
const MAX_QUERY: usize = 64 * 1024;
/// The most parameters of a query.
const MAX_PARAMETERS: usize = 1000;
/// The largest contract, in bytes of JSON.
const MAX_CONTRACT: usize = 256 * 1024;

/// An analysis and its input. `kind` is optional if a `dataset` is given and defaults to
/// `profile`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum NewAnalysis {
    /// The profile of a dataset.
    #[schema(title = "NewProfile")]
    Profile {
        /// The dataset.
        #[schema(example = "penguins")]
        dataset: String,
        /// Read options, and the thresholds of alerts.
        options: Option<ProfileOptions>,
        /// Its priority among its owner's jobs.
        #[serde(default)]
        priority: Priority,
        /// Labels: up to 16 names, each with a value.
        #[serde(default)]
        #[schema(example = json!({"team": "marine"}))]
        labels: Labels,
    },
    /// The associations between the columns of a dataset.
    #[schema(title = "NewCorrelation")]
    Correlation {
        /// The dataset.
        #[schema(example = "penguins")]
        dataset: String,
        /// Read options.
        options: Option<ProfileOptions>,
        /// Its priority among its owner's jobs.
        #[serde(default)]
        priority: Priority,
        /// Labels: up to 16 names, each with a value.
        #[serde(default)]
        #[schema(example = json!({"team": "marine"}))]
        labels: Labels,
    },
    /// The changes from one dataset to another.
    #[schema(title = "NewComparison")]
    Compare {
        /// The dataset to compare with; alias `dataset`.
        #[serde(alias = "dataset")]
        #[schema(example = "penguins-2008")]
        baseline: String,
        /// The dataset to compare; alias `with`.
        #[serde(alias = "with")]
        #[schema(example = "penguins-2009")]
        candidate: String,
        /// Read options of both, and the thresholds of changes.
        options: Option<CompareOptions>,
        /// Its priority among its owner's jobs.
        #[serde(default)]
        priority: Priority,
        /// Labels: up to 16 names, each with a value.
        #[serde(default)]
        #[schema(example = json!({"team": "marine"}))]
        labels: Labels,
    },
    /// The checks of a data contract on a dataset.
    #[schema(title = "NewCheck")]
    Check {
        /// The dataset.
        #[schema(example = "penguins")]
        dataset: String,
        /// The contract: a Frictionless Table Schema or Data Package, or one of the Open Data
        /// Contract Standard, version 3; as an object, or as text in YAML or JSON.
        #[schema(value_type = serde_json::Value)]
        contract: Value,
        /// Read options, and the number of failing rows to show.
        options: Option<CheckOptions>,
        /// Its priority among its owner's jobs.
        #[serde(default)]
        priority: Priority,
        /// Labels: up to 16 names, each with a value.
        #[serde(default)]
        #[schema(example = json!({"team": "marine"}))]
        labels: Labels,
    },
    /// A read-only query; the session's datasets are its tables.
    #[schema(title = "NewQuery")]
    Sql {
        /// The query.
        #[schema(example = "select count(*) from penguins", max_length = 65536)]
        query: String,
        /// The values of the query's placeholders, `$1` first: numbers, texts, booleans, nulls.
        #[serde(default)]
        #[schema(value_type = Vec<serde_json::Value>, max_items = 1000)]
        parameters: Vec<SqlParameter>,
        /// The format of the result.
        #[serde(default)]
        format: TableFormat,
        /// Its priority among its owner's jobs.
        #[serde(default)]
        priority: Priority,
        /// Labels: up to 16 names, each with a value.
        #[serde(default)]
        #[schema(example = json!({"team": "marine"}))]
        labels: Labels,
    },
}

impl NewAnalysis {
    /// The fields that all kinds share.
    fn about(&self) -> (Priority, Labels) {
        let (Self::Profile {
            priority, labels, ..
        }
        | Self::Correlation {
            priority, labels, ..
        }
        | Self::Compare {
            priority, labels, ..
        }
        | Self::Check {
            priority, labels, ..
        }
        | Self::Sql {
            priority, labels, ..
        }) = self;
        (*priority, labels.clone())
    }
}

/// `POST /v1/sessions/{sid}/analyses`
#[utoipa::path(
    post,
    path = "/v1/sessions/{sid}/analyses",
    tag = "jobs",
    operation_id = "createAnalysis",
    summary = "Submit an analysis",
    description = "",
    params(
        ("sid" = Uuid, Path, description = "The session"),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255, pattern = "^[ -~]+$", description = "Up to 255 printable ASCII characters: the same request under the same key is answered with the first answer, and done once"),
        ("Prefer" = Option<String>, Header, description = "`wait=N`: answer with the finished job if it finishes within N seconds"),
    ),
    request_body(content = NewAnalysis, description = "The analysis", example = json!({"kind": "profile", "dataset": "penguins"})),
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
    let new = parse::parse(body)?;
    let (priority, labels) = new.about();
    let spec = spec(state, session, new).await?;
    Ok(NewJob {
        spec,
        priority,
        labels,
    })
}

async fn spec(state: &ApiState, session: &Session, new: NewAnalysis) -> ApiResult<JobSpec> {
    Ok(match new {
        NewAnalysis::Profile {
            dataset, options, ..
        } => {
            let options = checked(options)?;
            let [dataset] = to_be_read(state, session, [dataset.as_str()], &options.read).await?;
            JobSpec::Profile { dataset, options }
        }
        NewAnalysis::Correlation {
            dataset, options, ..
        } => {
            let options = checked(options)?;
            let [dataset] = to_be_read(state, session, [dataset.as_str()], &options.read).await?;
            JobSpec::Correlation { dataset, options }
        }
        NewAnalysis::Compare {
            baseline,
            candidate,
            options,
            ..
        } => {
            let options = options.unwrap_or_default();
            options.check().map_err(|error| invalid_option(&error))?;
            let both = [baseline.as_str(), candidate.as_str()];
            let [baseline, candidate] = to_be_read(state, session, both, &options.read).await?;
            JobSpec::Compare {
                baseline,
                candidate,
                options,
            }
        }
        NewAnalysis::Check {
            dataset,
            contract,
            options,
            ..
        } => {
            let options = options.unwrap_or_default();
            options.check().map_err(|error| invalid_option(&error))?;
            let [dataset] = to_be_read(state, session, [dataset.as_str()], &options.read).await?;
            let contract = checked_contract(contract, dataset.as_str())?;
            JobSpec::Check {
                dataset,
                contract,
                options,
            }
        }
        NewAnalysis::Sql {
            query,
            parameters,
            format,
            ..
        } => {
            check_query(&query)?;
            check_parameters(&parameters)?;
            JobSpec::Sql {
                query,
                parameters,
                format,
            }
        }
    })
}

fn checked(options: Option<ProfileOptions>) -> ApiResult<ProfileOptions> {
    let options = options.unwrap_or_default();
    options.check().map_err(|error| invalid_option(&error))?;
    Ok(options)
}

/// The datasets with these names. Each read option must apply to the format of one of them.
async fn to_be_read<const N: usize>(
    state: &ApiState,
    session: &Session,
    names: [&str; N],
    read: &ReadOptions,
) -> ApiResult<[DatasetName; N]> {
    let mut found = Vec::with_capacity(N);
    let mut formats = Vec::with_capacity(N);
    for name in names {
        if read.is_empty() {
            found.push(state.dataset_to_submit(session, name).await?);
        } else {
            let dataset = state.dataset(session, name).await?;
            formats.push(dataset.format);
            found.push(dataset.name);
        }
    }
    if !read.is_empty() {
        let valid = read.check_for_any(&formats);
        valid.map_err(|error| invalid_option(&error))?;
    }
    let missing = |_| Problem::new(Code::Internal, "a dataset is missing");
    found.try_into().map_err(missing)
}

/// The contract as an object, if it is valid.
fn checked_contract(contract: Value, dataset: &str) -> ApiResult<Value> {
    let refused = |error: ContractError| Problem::new(Code::InvalidContract, error.to_string());
    let contract = match contract {
        Value::String(text) => lastcall_contract::parse(text.as_bytes()).map_err(refused)?,
        object => object,
    };
    let text = contract.to_string();
    if text.len() > MAX_CONTRACT {
        let detail = format!("a contract has at most {MAX_CONTRACT} bytes");
        return Err(Problem::new(Code::InvalidContract, detail));
    }
    // YAML has its own escapes.
    if contains_nul(text.as_bytes()) {
        return Err(Problem::new(Code::InvalidContract, NUL));
    }
    lastcall_contract::read(&contract, dataset).map_err(refused)?;
    Ok(contract)
}

fn check_query(query: &str) -> ApiResult<()> {
    if query.trim().is_empty() {
        return Err(invalid("the query is empty"));
    }
    if query.len() > MAX_QUERY {
        return Err(invalid(format!("a query has at most {MAX_QUERY} bytes")));
    }
    Ok(())
}

/// Bounds the values of a query's placeholders.
fn check_parameters(parameters: &[SqlParameter]) -> ApiResult<()> {
    if parameters.len() > MAX_PARAMETERS {
        return Err(invalid(format!(
            "a query has at most {MAX_PARAMETERS} parameters"
        )));
    }
    let bytes = parameters.iter().map(|parameter| match parameter {
        SqlParameter::Text(text) => text.len(),
        _ => 0,
    });
    if bytes.sum::<usize>() > MAX_QUERY {
        return Err(invalid(format!(
            "the parameters of a query have at most {MAX_QUERY} bytes"
        )));
    }
    Ok(())
}

fn invalid_option(error: &InvalidOption) -> Problem {
    invalid(error.to_string())
}

fn invalid(detail: impl Into<String>) -> Problem {
    Problem::new(Code::InvalidRequest, detail)
}
