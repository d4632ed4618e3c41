//! Parsing the body of a submission, with errors that name the field.

use lastcall_domain::{
    CheckOptions, CompareOptions, Labels, Priority, ProfileOptions, SqlParameter, TableFormat,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{NewAnalysis, invalid};
use crate::json::{Fields, JsonBody, located};
use crate::problem::ApiResult;

/// Parses the analysis in the body.
pub(super) fn parse(body: &JsonBody) -> ApiResult<NewAnalysis> {
    let Fields(mut fields) = body.parse()?;
    if fields.get("kind").is_none_or(Value::is_null) {
        if !fields.contains_key("dataset") {
            return Err(invalid("name a `dataset`, or a `kind`"));
        }
        fields.insert("kind".to_owned(), "profile".into());
    }
    if let Some(options) = fields.get("options") {
        only_objects(options)?;
    }
    let value = Value::Object(fields);
    NewAnalysis::deserialize(&value).map_err(|error| {
        let fault = fault_of_options(&value).or_else(|| fault_of_fields(&value));
        invalid(fault.unwrap_or_else(|| error.to_string()))
    })
}

/// The error in a field, if there is one: the path to a field is lost because the kind determines
/// the fields.
fn fault_of<T: DeserializeOwned>(value: &Value, field: &str) -> Option<String> {
    let read = serde_path_to_error::deserialize::<_, T>(value.get(field)?);
    read.err().map(|error| located(field, &error))
}

/// The error in the options of an analysis, if there is one.
fn fault_of_options(value: &Value) -> Option<String> {
    match value.get("kind")?.as_str()? {
        "profile" | "correlation" => fault_of::<Option<ProfileOptions>>(value, "options"),
        "compare" => fault_of::<Option<CompareOptions>>(value, "options"),
        "check" => fault_of::<Option<CheckOptions>>(value, "options"),
        _ => None,
    }
}

/// The error in another field of an analysis, if there is one.
fn fault_of_fields(value: &Value) -> Option<String> {
    let mut texts = ["dataset", "baseline", "candidate", "with", "query"].into_iter();
    texts
        .find_map(|field| fault_of::<String>(value, field))
        .or_else(|| fault_of::<Vec<SqlParameter>>(value, "parameters"))
        .or_else(|| fault_of::<TableFormat>(value, "format"))
        .or_else(|| fault_of::<Priority>(value, "priority"))
        .or_else(|| fault_of::<Labels>(value, "labels"))
}

/// Rejects arrays, whose elements serde would accept as the fields, in order.
fn only_objects(options: &Value) -> ApiResult<()> {
    let parts = [
        ("options", Some(options)),
        ("options.read", options.get("read")),
        ("options.alerts", options.get("alerts")),
        ("options.thresholds", options.get("thresholds")),
    ];
    for (name, part) in parts {
        if part.is_some_and(Value::is_array) {
            return Err(invalid(format!("`{name}` has to be a JSON object")));
        }
    }
    Ok(())
}
