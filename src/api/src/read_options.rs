//! Read options of a dataset in requests: in the query of an upload, in the query or body of a
//! change.

use actix_web::{HttpRequest, web};
use lastcall_domain::{Dataset, Format, InvalidOption, ReadOptions};
use serde_json::{Map, Value};
use utoipa::IntoParams;

use crate::errors::Code;
use crate::json::{Fields, JsonBody, located};
use crate::problem::{ApiResult, Problem};

/// The parameter of an upload with its format.
const FORMAT: &str = "format";

/// The read options of a dataset, in a query. For the document only: they are read by
/// [`ReadOptions::from_query`].
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "its fields are what the document says")]
pub(crate) struct ReadQuery {
    /// Whether the first row names the columns.
    header: Option<bool>,
    /// The delimiter, one ASCII character, or `tab`.
    delimiter: Option<String>,
    /// The quote, one ASCII character; empty or `none`: no quoting. In a
    /// query `quote` is another name of it.
    quote_char: Option<String>,
    /// The escape character; empty or `none` for none.
    escape: Option<String>,
    /// Lines that start with this ASCII character are skipped.
    comment: Option<String>,
    /// The number of lines to skip before the header.
    skip_rows: Option<u64>,
    /// The decimal mark, `.` or `,`.
    decimal: Option<String>,
    /// The thousands separator.
    thousands: Option<String>,
    /// The encoding, a label of the WHATWG Encoding Standard.
    encoding: Option<String>,
    /// The cells that count as missing, comma-separated or as several parameters.
    missing: Option<Vec<String>>,
    /// The order of day, month and year in numeric dates: `dmy`, `mdy` or `ymd`.
    date_order: Option<String>,
    /// The sheet of a workbook, by name.
    sheet: Option<String>,
    /// The columns to keep, by name, comma-separated or as several parameters.
    columns: Option<Vec<String>>,
}

/// The options in the query of an upload. The `charset` of its media type sets the encoding if no
/// option does.
///
/// # Errors
/// `invalid_option`.
pub(crate) fn of_upload(
    request: &HttpRequest,
    format: Format,
    charset: Option<&str>,
) -> ApiResult<ReadOptions> {
    let mut read = options(&pairs(request)?, format, FORMAT)?;
    if read.encoding.is_none() {
        read.encoding = charset.map(str::to_owned);
    }
    Ok(read)
}

/// The options of the dataset as the request changes them.
///
/// # Errors
/// `invalid_option`, `invalid_request` if it changes nothing.
pub(crate) fn changed(
    dataset: &Dataset,
    request: &HttpRequest,
    body: &JsonBody,
) -> ApiResult<ReadOptions> {
    let mut fields = object(&dataset.read)?;
    let in_query = object(&from_query(request, dataset.format)?)?;
    let in_body = match body.0.trim_ascii() {
        b"" => Map::new(),
        _ => body.parse::<Fields>()?.0,
    };
    if in_query.is_empty() && in_body.is_empty() {
        let detail = "name the options to change, in the query or in a JSON object";
        return Err(Problem::new(Code::InvalidRequest, detail));
    }
    if let Some(twice) = in_body.keys().find(|name| in_query.contains_key(*name)) {
        let detail = format!("`{twice}` is in the query and in the body");
        return Err(Problem::new(Code::InvalidRequest, detail));
    }
    for (name, value) in in_query.into_iter().chain(in_body) {
        if value.is_null() && ReadOptions::NAMES.contains(&name.as_str()) {
            fields.remove(&name);
        } else {
            fields.insert(name, value);
        }
    }
    let read: ReadOptions = serde_path_to_error::deserialize(&Value::Object(fields))
        .map_err(|error| Problem::new(Code::InvalidReadOption, located("", &error)))?;
    read.check_for(dataset.format)
        .map_err(|error| invalid(&error))?;
    Ok(read)
}

fn from_query(request: &HttpRequest, format: Format) -> ApiResult<ReadOptions> {
    let pairs = pairs(request)?;
    options(&pairs, format, "")
}

fn options(pairs: &[(String, String)], format: Format, besides: &str) -> ApiResult<ReadOptions> {
    let pairs = pairs.iter().filter(|(name, _)| name != besides);
    let pairs = pairs.map(|(name, value)| match name.as_str() {
        // Generated Python clients would shadow their function `quote`.
        "quote_char" => ("quote", value.as_str()),
        name => (name, value.as_str()),
    });
    ReadOptions::from_query(format, pairs).map_err(|error| invalid(&error))
}

fn pairs(request: &HttpRequest) -> ApiResult<Vec<(String, String)>> {
    let query = request.query_string();
    web::Query::<Vec<(String, String)>>::from_query(query)
        .map(web::Query::into_inner)
        .map_err(|error| Problem::new(Code::InvalidParameter, error.to_string()))
}

/// The format in the query of an upload: for clients that cannot set a `Content-Type`.
///
/// # Errors
/// `invalid_parameter` if there is no such format, or more than one.
pub(crate) fn named_format(request: &HttpRequest) -> ApiResult<Option<Format>> {
    let pairs = pairs(request)?;
    let mut named = pairs.iter().filter(|(name, _)| name == FORMAT);
    let Some((_, name)) = named.next() else {
        return Ok(None);
    };
    let format = Format::ALL
        .into_iter()
        .find(|format| format.as_str() == name);
    match (format, named.next()) {
        (Some(format), None) => Ok(Some(format)),
        (Some(_), Some(_)) => Err(parameter("the parameter \"format\" is there twice")),
        (None, _) => {
            let known = Format::ALL.map(Format::as_str).join(", ");
            Err(parameter(format!(
                "format={name:?} should be one of {known}"
            )))
        }
    }
}

fn parameter(detail: impl Into<String>) -> Problem {
    Problem::new(Code::InvalidParameter, detail)
}

fn object(read: &ReadOptions) -> ApiResult<Map<String, Value>> {
    match serde_json::to_value(read) {
        Ok(Value::Object(fields)) => Ok(fields),
        _ => Err(Problem::new(Code::Internal, "options are no object")),
    }
}

fn invalid(error: &InvalidOption) -> Problem {
    Problem::new(Code::InvalidReadOption, error.to_string())
}
