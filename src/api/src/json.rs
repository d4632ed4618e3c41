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

/// What is said of a text with NUL in it, which some databases cannot keep, and nobody means.
pub(crate) const NUL: &str = "a text must not hold the character NUL (\\u0000)";

/// The body of a request, whole.
#[derive(Debug)]
pub(crate) struct JsonBody(pub(crate) Bytes);

impl JsonBody {
    /// What the body says.
    ///
    /// # Errors
    /// `invalid_json` where it is not JSON, wherever that shows; `invalid_request` where it is
    /// JSON that says something else.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> ApiResult<T> {
        // An array is none, though serde would take its elements for the fields, in order.
        let is_object = self.0.trim_ascii_start().starts_with(b"{");
        let mut json = serde_json::Deserializer::from_slice(&self.0);
        let said = serde_path_to_error::deserialize(&mut json);
        let said = said.map_err(|error| located("", &error));
        let said = said.and_then(|said| match json.end() {
            Ok(()) => Ok(said),
            Err(error) => Err(error.to_string()),
        });
        let error = match said {
            Ok(_) if says_nul(&self.0) => return Err(Problem::new(Code::InvalidRequest, NUL)),
            Ok(said) if is_object => return Ok(said),
            Ok(_) => None,
            Err(error) => Some(error),
        };
        // The first thing that is wrong may come before the place where the JSON breaks.
        if let Err(broken) = self.is_json() {
            return Err(Problem::new(Code::InvalidJson, broken));
        }
        let detail = match error {
            Some(error) if is_object => error,
            _ => "the body has to be a JSON object".to_owned(),
        };
        Err(Problem::new(Code::InvalidRequest, detail))
    }

    /// What the body says, or the default where there is none or it is `null`.
    pub(crate) fn parse_or_default<T: DeserializeOwned + Default>(&self) -> ApiResult<T> {
        match self.0.trim_ascii() {
            b"" | b"null" => Ok(T::default()),
            _ => self.parse(),
        }
    }

    /// Whether the body is JSON, whatever it says.
    fn is_json(&self) -> Result<(), String> {
        // What is skipped is not decoded: it is looked at here.
        let text = std::str::from_utf8(&self.0).map_err(|error| format!("no UTF-8: {error}"))?;
        let _: IgnoredAny = serde_json::from_str(text).map_err(|error| error.to_string())?;
        Ok(())
    }
}

/// What is wrong with a part of a request, which is at `place`, and with which field of it.
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

/// Whether a text of this JSON holds NUL, which can only be written as an escape.
pub(crate) fn says_nul(json: &[u8]) -> bool {
    let mut rest = json;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        rest = &rest[at + 1..];
        if rest.starts_with(b"u0000") {
            return true;
        }
        // What is escaped may be a backslash.
        rest = rest.get(1..).unwrap_or_default();
    }
    false
}

/// The fields of a JSON object, none of them there twice.
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
                patience = given_up(state.as_deref()) => {
                    let detail = format!("it was not complete after {patience:?}");
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

/// Waits until a body has had its time, which is shorter in a shutdown, and says how long it was.
async fn given_up(state: Option<&Arc<ApiState>>) -> Duration {
    let stopping = async {
        let Some(state) = state else {
            return std::future::pending().await;
        };
        state.system.stopping().await;
        let patience = state.config.read_timeouts.stopping;
        running_time::sleep(patience).await;
        patience
    };
    tokio::select! {
        patience = stopping => patience,
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
    // What `curl -d` and `fetch` with a text body say unless told otherwise.
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

/// The problem that an unreadable body is.
pub(crate) fn unreadable(error: &impl std::error::Error) -> Problem {
    let detail = error.to_string();
    // Of a body that ends early the framework says it in terms of its own.
    let ended = detail.starts_with("payload reached EOF");
    let detail = match ended {
        true => "the body ended before all of it had come".to_owned(),
        false => detail,
    };
    Problem::new(Code::IncompleteBody, detail)
}

/// The problem that an unreadable upload is.
pub(crate) fn unreadable_payload(error: &PayloadError) -> Problem {
    match error {
        PayloadError::Overflow => Problem::new(Code::PayloadTooLarge, error.to_string()),
        error => unreadable(error),
    }
}
