//! The audit: one log line for every change over HTTP, with who made it, what it is, and from where
//! it came.

use std::net::IpAddr;

use actix_web::HttpMessage as _;
use actix_web::body::MessageBody;
use actix_web::dev::ServiceResponse;
use actix_web::http::header::{self, HeaderValue};
use serde::Serialize;

use crate::auth::{Caller, Proof, TokenNames};
use crate::idempotency::IDEMPOTENT_REPLAYED;

/// The log target of audit lines. The message of each is a JSON object.
pub const AUDIT: &str = "lastcall::audit";

/// The origin and the id of a request.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) client: Option<IpAddr>,
    pub(crate) request: HeaderValue,
}

/// One change. The names of the fields are documented.
#[derive(Debug, Serialize)]
struct Record<'a> {
    action: &'a str,
    owner: Option<&'a str>,
    key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<TokenRecord<'a>>,
    role: Option<&'static str>,
    client: Option<IpAddr>,
    resource: Option<&'a str>,
    outcome: String,
    request: Option<&'a str>,
}

/// The names of the token of a change. Never the token itself.
#[derive(Debug, Serialize)]
struct TokenRecord<'a> {
    #[serde(rename = "jti")]
    id: Option<&'a str>,
    #[serde(rename = "client_id")]
    client: Option<&'a str>,
}

impl<'a> From<&'a TokenNames> for TokenRecord<'a> {
    fn from(token: &'a TokenNames) -> Self {
        Self {
            id: token.id.as_deref(),
            client: token.client.as_deref(),
        }
    }
}

impl Record<'_> {
    fn write(&self) {
        if let Ok(text) = serde_json::to_string(self) {
            log::info!(target: AUDIT, "{text}");
        }
    }
}

/// Logs what a request has changed, if anything.
pub(crate) fn log_change<B: MessageBody>(caller: &Caller, answer: &ServiceResponse<B>) {
    let request = answer.request();
    let status = answer.status();
    let headers = answer.headers();
    if request.method().is_safe()
        || !status.is_success()
        // A repeated answer: the first request was logged.
        || headers.contains_key(IDEMPOTENT_REPLAYED)
    {
        return;
    }
    let pattern = request.match_pattern().unwrap_or_default();
    let named = action(request.method().as_str(), &pattern);
    let action = named.map_or_else(|| format!("{} {pattern}", request.method()), str::to_owned);
    let made = headers.get(header::LOCATION);
    let made = made.and_then(|location| location.to_str().ok());
    let (key, token) = match &caller.proof {
        Proof::None => (None, None),
        Proof::Key(name) => (Some(name.as_str()), None),
        Proof::Token(token) => (None, Some(token.into())),
    };
    let extensions = request.extensions();
    let origin = extensions.get::<Origin>();
    Record {
        action: &action,
        owner: Some(caller.owner.as_str()),
        key,
        token,
        role: Some(caller.role.as_str()),
        client: origin.and_then(|origin| origin.client),
        resource: Some(made.unwrap_or_else(|| request.path())),
        outcome: status.as_u16().to_string(),
        request: origin.and_then(|origin| origin.request.to_str().ok()),
    }
    .write();
}

/// Logs that other keys are in force, and tokens of this issuer if tokens are accepted.
pub(crate) fn log_keys(reason: &str, keys: usize, issuer: Option<&str>) {
    let tokens = issuer.map(|issuer| format!(", tokens of {issuer}"));
    Record {
        action: "keys.reload",
        owner: None,
        key: None,
        token: None,
        role: None,
        client: None,
        resource: None,
        outcome: format!("{reason}: {keys} keys{}", tokens.unwrap_or_default()),
        request: None,
    }
    .write();
}

/// The action of a request, by its method and its route.
fn action(method: &str, pattern: &str) -> Option<&'static str> {
    const DATASET: &str = "/v1/sessions/{sid}/datasets/{name}";
    Some(match (method, pattern) {
        ("POST", "/v1/sessions") => "session.create",
        ("DELETE", "/v1/sessions/{sid}") => "session.delete",
        ("PUT", DATASET) => "dataset.put",
        ("PATCH", DATASET) => "dataset.patch",
        ("DELETE", DATASET) => "dataset.delete",
        ("POST", "/v1/sessions/{sid}/analyses" | "/v1/sessions/{sid}/reports") => "job.submit",
        ("DELETE", "/v1/jobs/{id}") => "job.cancel",
        ("POST", "/v1/system/drain") => "system.drain",
        _ => return None,
    })
}
