//! JSON request bodies: bounded, strict about fields, lenient about the wrong media types that
//! common tools send.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};
use bytes::Bytes;
use lastcall_domain::running_time;
use serde::de::{DeserializeOwned, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::errors::Code;
use crate::problem::{ApiResult, Problem};
use crate::state::ApiState;

/// The largest JSON body, in bytes.
pub(crate) const MAX_JSON: usize = 1 << 20;

/// How long a JSON body may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// The error for a string with NUL, which some databases cannot store, and which is never intended.
pub(crate) const NUL: &str = "a text must not hold the character NUL (\\u0000)";

/// The body of a request, whole.
#[derive(Debug)]
pub(crate) struct JsonBody(pub(crate) Bytes);

impl JsonBody {
    /// Parses the body.
    ///
    /// # Errors
    /// `invalid_json` if it is not JSON; `invalid_request` if it is JSON that does not match.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> ApiResult<T> {
        // Arrays are rejected, though serde would accept their elements as the fields, in order.
        let is_object = self.0.trim_ascii_start().starts_with(b"{");
        let mut json = serde_json::Deserializer::from_slice(&self.0);
        let parsed = serde_path_to_error::deserialize(&mut json);
        let parsed = parsed.map_err(|error| located("", &error));
        let parsed = parsed.and_then(|parsed| match json.end() {
            Ok(()) => Ok(parsed),
            Err(error) => Err(error.to_string()),
        });
        let error = match parsed {
            Ok(_) if contains_nul(&self.0) => return Err(Problem::new(Code::InvalidRequest, NUL)),
            Ok(parsed) if is_object => return Ok(parsed),
            Ok(_) => None,
            Err(error) => Some(error),
        };
        // The first mismatch may come before the syntax error.
        if let Err(broken) = self.is_json() {
            return Err(Problem::new(Code::InvalidJson, broken));
        }
        let detail = match error {
            Some(error) if is_object => error,
            _ => "the body has to be a JSON object".to_owned(),
        };
        Err(Problem::new(Code::InvalidRequest, detail))
    }

    /// Parses the body, or returns the default if it is empty or `null`.
    pub(crate) fn parse_or_default<T: DeserializeOwned + Default>(&self) -> ApiResult<T> {
        match self.0.trim_ascii() {
            b"" | b"null" => Ok(T::default()),
            _ => self.parse(),
        }
    }

    /// Checks that the body is JSON.
    fn is_json(&self) -> Result<(), String> {
        // Skipped values are not decoded, so the encoding is checked here.
        let text = std::str::from_utf8(&self.0).map_err(|error| format!("no UTF-8: {error}"))?;
        let _: IgnoredAny = serde_json::from_str(text).map_err(|error| error.to_string())?;
        Ok(())
    }
}

/// An error about a part of a request, at `place`, with the field that is wrong.
pub(crate) fn located(
    place: &str,
    error: &serde_path_to_error::Error<serde_json::Error>,
) -> String {
    let path = error.path().to_string();
    let field = match path.as_str() {
        "." => place.to_owned(),
        path if place.is_empty() => path.to_owned(),
        path => format!("{place}.{path}"),
    };
    let why = error.inner().to_string();
    let why = why.replace("expected f64", "expected a number");
    match field.as_str() {
        "" => why,
        field => format!("`{field}`: {why}"),
    }
}

/// Whether a string of this JSON contains NUL, which can only be written as an escape.
pub(crate) fn contains_nul(json: &[u8]) -> bool {
    let mut rest = json;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        rest = &rest[at + 1..];
        if rest.starts_with(b"u0000") {
            return true;
        }
        // The escaped character may be a backslash.
        rest = rest.get(1..).unwrap_or_default();
    }
    false
}

/// The fields of a JSON object, without duplicates.
#[derive(Debug)]
pub(crate) struct Fields(pub(crate) Map<String, Value>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Unique;

        impl<'de> Visitor<'de> for Unique {
            type Value = Fields;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Fields, A::Error> {
                let mut fields = Map::new();
                while let Some((name, value)) = access.next_entry::<String, Value>()? {
                    if fields.contains_key(&name) {
                        return Err(A::Error::custom(format!("duplicate field `{name}`")));
                    }
                    fields.insert(name, value);
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Unique)
    }
}

impl FromRequest for JsonBody {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = ApiResult<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if let Err(problem) = check_media_type(request) {
            return Box::pin(std::future::ready(Err(problem)));
        }
        let body = web::Payload::from_request(request, payload).into_inner();
        let state = request.app_data::<web::Data<ApiState>>().cloned();
        Box::pin(async move {
            let body = body.map_err(|error| Problem::new(Code::BadRequest, error.to_string()))?;
            let body = tokio::select! {
                biased;
                body = body.to_bytes_limited(MAX_JSON) => body,
                timeout = body_timeout(state.as_deref()) => {
                    let detail = format!("it was not complete after {timeout:?}");
                    return Err(Problem::new(Code::BodyTimeout, detail));
                }
            };
            match body {
                Ok(Ok(bytes)) => Ok(Self(bytes)),
                Ok(Err(error)) => Err(unreadable(&error)),
                Err(_) => Err(Problem::new(
                    Code::PayloadTooLarge,
                    format!("a JSON body has at most {MAX_JSON} bytes"),
                )),
            }
        })
    }
}

/// Waits until the timeout of a body, which is shorter during a shutdown. Returns how long it was.
async fn body_timeout(state: Option<&Arc<ApiState>>) -> Duration {
    let stopping = async {
        let Some(state) = state else {
            return std::future::pending().await;
        };
        state.system.stopping().await;
        let timeout = state.config.read_timeouts.stopping;
        running_time::sleep(timeout).await;
        timeout
    };
    tokio::select! {
        timeout = stopping => timeout,
        () = running_time::sleep(BODY_TIMEOUT) => BODY_TIMEOUT,
    }
}

fn check_media_type(request: &HttpRequest) -> ApiResult<()> {
    let headers = request.headers();
    let encoded = headers
        .get(header::CONTENT_ENCODING)
        .is_some_and(|encoding| encoding != "identity");
    if encoded {
        return Err(Problem::new(
            Code::UnsupportedEncoding,
            "send a JSON body without content encoding",
        ));
    }
    let Some(value) = headers.get(header::CONTENT_TYPE) else {
        return Ok(());
    };
    let essence = value
        .to_str()
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    // The defaults of `curl -d` and of `fetch` with a text body.
    let tolerated = [
        "",
        "application/json",
        "text/json",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/octet-stream",
    ];
    if tolerated.contains(&essence.as_str()) || essence.ends_with("+json") {
        Ok(())
    } else {
        Err(Problem::new(
            Code::UnsupportedMediaType,
            format!("send `Content-Type: application/json`, not {essence:?}"),
        ))
    }
}

/// The error for an unreadable body.
pub(crate) fn unreadable(error: &impl std::error::Error) -> Problem {
    let detail = error.to_string();
    // The framework describes a truncated body in its own terms.
    let ended = detail.starts_with("payload reached EOF");
    let detail = match ended {
        true => "the body ended before all of it had come".to_owned(),
        false => detail,
    };
    Problem::new(Code::IncompleteBody, detail)
}

/// The error for an unreadable upload.
pub(crate) fn unreadable_payload(error: &PayloadError) -> Problem {
    match error {
        PayloadError::Overflow => Problem::new(Code::PayloadTooLarge, error.to_string()),
        error => unreadable(error),
    }
}
