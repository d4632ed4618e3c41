//! `/openapi.json`: the annotations of handlers and wire types, plus the errors of each operation
//! and the schemas of results.

mod errors;
mod names;
mod order;

use actix_web::HttpResponse;
use lastcall_domain::check::CheckReport;
use lastcall_domain::compare::Comparison;
use lastcall_domain::correlation::CorrelationReport;
use lastcall_domain::profile::Profile;
use lastcall_domain::store::Order;
use lastcall_domain::{ReportFormat, Service, SqlResult, State};
use serde_json::{Value, json};
use utoipa::OpenApi;

use crate::{
    analyses, datasets, events, health, jobs, metrics, problem, reports, resource_metadata, result,
    sessions, system, system_events, upload,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Lastcall",
        description = "Analyses and reports of datasets, as jobs that are never lost once they \
                       were accepted. Times are RFC 3339 in UTC, ids are UUIDv7, errors are \
                       problem documents (RFC 9457) with a `code` from a closed list.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "sessions", description = "Containers of datasets and jobs, with a TTL"),
        (name = "datasets", description = "Uploaded data"),
        (name = "jobs", description = "Analyses, reports and their results"),
        (name = "system", description = "The process itself"),
    ),
    paths(
        sessions::create, sessions::list, sessions::get, sessions::delete,
        datasets::list, datasets::get, upload::put, datasets::patch, datasets::delete,
        analyses::create, reports::create,
        jobs::list, jobs::get, jobs::cancel, events::get, result::get,
        system::get, system_events::get, system::drain, health::livez, health::readyz, metrics::get,
        resource_metadata::get,
    ),
    components(schemas(
        problem::Document<'static>,
        Profile, CorrelationReport, Comparison, CheckReport, SqlResult, Order, State, Service,
    )),
    servers((url = "/", description = "This service")),
)]
struct Api;

/// The document, JSON.
pub(crate) fn document() -> Value {
    let mut document = serde_json::to_value(Api::openapi()).unwrap_or_default();
    add_results(&mut document);
    close_variants(&mut document);
    join_formats(&mut document);
    allow_no_kind(&mut document);
    name_values(&mut document);
    names::describe(&mut document);
    errors::add(&mut document);
    document["components"]["securitySchemes"] = json!({
        "key": {
            "type": "http",
            "scheme": "bearer",
            "description": "Needed where `auth.mode` is `keys` or `jwt`: a key or, with `jwt`, a JWT access \
                            token of the issuer that `/.well-known/oauth-protected-resource` \
                            names. Its scopes: `lastcall:read` for GET and HEAD, `lastcall:run` \
                            for all methods, `lastcall:admin` to start the shutdown as well.",
        }
    });
    document["security"] = json!([{}, { "key": [] }]);
    document
}

/// `GET /openapi.json`
pub(crate) async fn get() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(text())
}

/// The document as text.
pub(crate) fn text() -> String {
    // Plain values can always be serialised.
    serde_json::to_string_pretty(&order::BytesFirst(&document())).unwrap_or_default()
}

/// Closes the schemas of requests to other fields: for the variants of a tagged enum the derive
/// does not do it.
fn close_variants(document: &mut Value) {
    let Some(kinds) = document["components"]["schemas"]["NewAnalysis"]["oneOf"].as_array_mut()
    else {
        return;
    };
    let mut closed = Vec::new();
    for kind in kinds {
        match kind["$ref"]
            .as_str()
            .and_then(|path| path.rsplit('/').next())
        {
            Some(name) => closed.push(name.to_owned()),
            None => kind["additionalProperties"] = json!(false),
        }
    }
    for name in closed {
        document["components"]["schemas"][name.as_str()]["additionalProperties"] = json!(false);
    }
}

/// The schema of the analyses with this title.
fn new_analysis<'a>(document: &'a mut Value, title: &str) -> Option<&'a mut Value> {
    let kinds = &mut document["components"]["schemas"]["NewAnalysis"]["oneOf"];
    let mut kinds = kinds.as_array_mut()?.iter_mut();
    kinds.find(|kind| kind.get("title").and_then(Value::as_str) == Some(title))
}

/// Allows an analysis without a `kind`, which is a profile; the derive cannot express that for a
/// tag.
fn allow_no_kind(document: &mut Value) {
    let profile = new_analysis(document, "NewProfile");
    let required = profile.and_then(|profile| profile.get_mut("required")?.as_array_mut());
    if let Some(required) = required {
        required.retain(|field| field != "kind");
    }
}

/// Names the values in arrays whose types would allow any.
fn name_values(document: &mut Value) {
    let name = |schema: Option<&mut Value>, field: &str, types: &[&str]| {
        let fields = schema.and_then(|schema| schema.get_mut("properties"));
        if let Some(field) = fields.and_then(|fields| fields.get_mut(field)) {
            field["items"] = json!({ "type": types });
        }
    };
    let scalars = ["null", "boolean", "number", "string"];
    name(new_analysis(document, "NewQuery"), "parameters", &scalars);
    let schemas = &mut document["components"]["schemas"];
    name(schemas.get_mut("JobInput"), "parameters", &scalars);
    let edges = ["number", "string"];
    name(schemas.get_mut("SharedHistogram"), "edges", &edges);
}

/// One list of the formats of results: `json` is one of tables and one of reports.
fn join_formats(document: &mut Value) {
    let reports = ReportFormat::ALL.map(ReportFormat::as_str);
    let tables = ["csv", "parquet", "arrow"];
    let all: Vec<&str> = reports.into_iter().chain(tables).collect();
    document["components"]["schemas"]["ResultFormat"] = json!({
        "type": "string",
        "enum": all,
        "description": "The format of a job's result; analyses that are no table are `json`.",
    });
}

/// Adds the schemas of JSON results.
fn add_results(document: &mut Value) {
    let content =
        &mut document["paths"]["/v1/jobs/{id}/result"]["get"]["responses"]["200"]["content"];
    content["application/json"]["schema"] = json!({
        "anyOf": [
            { "$ref": "#/components/schemas/Profile" },
            { "$ref": "#/components/schemas/SqlResult" },
            { "$ref": "#/components/schemas/Correlation" },
            { "$ref": "#/components/schemas/Comparison" },
            { "$ref": "#/components/schemas/CheckReport" },
        ]
    });
}
