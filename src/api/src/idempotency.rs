//! `Idempotency-Key`: a repeated POST gets the first answer instead of taking effect again.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use lastcall_domain::Owner;
use lastcall_domain::store::{Answer, Idempotency};
use sha2::{Digest, Sha256};

use crate::errors::Code;
use crate::problem::{ApiResult, Problem};

/// The caller's key.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Marks a repeated answer.
pub(crate) const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// The longest key, in bytes.
const MAX_KEY: usize = 255;

/// A key and what it was used with, before the answer is known.
#[derive(Clone, Debug)]
pub(crate) struct Keyed {
    key: String,
    fingerprint: [u8; 32],
}

impl Keyed {
    /// The key of a request, if it has one.
    ///
    /// # Errors
    /// `invalid_parameter` if it is not 1 to 255 characters of printable ASCII, or there is more
    /// than one key.
    pub(crate) fn of(request: &HttpRequest, body: &[u8]) -> ApiResult<Option<Self>> {
        let mut given = request.headers().get_all(IDEMPOTENCY_KEY);
        let Some(value) = given.next() else {
            return Ok(None);
        };
        let invalid = |detail| Problem::new(Code::InvalidParameter, detail);
        if given.next().is_some() {
            return Err(invalid("there is more than one Idempotency-Key".to_owned()));
        }
        let printable = |key: &&str| key.bytes().all(|byte| (b' '..=b'~').contains(&byte));
        let key = value
            .to_str()
            .ok()
            .filter(|key| (1..=MAX_KEY).contains(&key.len()))
            .filter(printable)
            .ok_or_else(|| {
                invalid(format!(
                    "an Idempotency-Key has 1 to {MAX_KEY} printable ASCII characters"
                ))
            })?;
        let route = format!("{} {}", request.method(), request.path());
        let mut hash = Sha256::new();
        hash.update(&route);
        hash.update([0]);
        hash.update(body);
        Ok(Some(Self {
            key: format!("{route} {key}"),
            fingerprint: hash.finalize().into(),
        }))
    }

    /// Adds the answer for all repeats.
    pub(crate) fn answered(self, owner: &Owner, answer: Answer) -> Idempotency {
        Idempotency {
            owner: owner.clone(),
            key: self.key,
            fingerprint: self.fingerprint,
            answer,
        }
    }
}

/// The error for a reused key.
pub(crate) fn key_reused() -> Problem {
    Problem::new(
        Code::IdempotencyKeyReused,
        "this Idempotency-Key was used on this path with another body; use a fresh key",
    )
}

/// The response for an answer, first or repeated.
pub(crate) fn respond(answer: &Answer, replayed: bool) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or_default();
    let mut response = HttpResponse::build(status);
    if let Some(location) = &answer.location {
        response.insert_header((header::LOCATION, location.as_str()));
    }
    mark(
        response
            .content_type("application/json")
            .body(answer.body.clone()),
        replayed,
    )
}

/// Marks a repeated answer.
pub(crate) fn mark(mut response: HttpResponse, replayed: bool) -> HttpResponse {
    if replayed {
        response
            .headers_mut()
            .insert(IDEMPOTENT_REPLAYED, HeaderValue::from_static("true"));
    }
    response
}
