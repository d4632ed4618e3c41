//! `WWW-Authenticate`: what a rejected request needs (RFC 6750, section 3), and where clients find
//! the issuer of tokens (RFC 9728, section 5.1).

use actix_web::http::header::{self, HeaderValue};
use lastcall_jwt::{Access, Settings};

use crate::errors::Code;
use crate::problem::Problem;

/// The error for a request without valid credentials. `tokens` are the settings of tokens, if they
/// are accepted; `invalid` says what is wrong with the credentials, if anything was sent.
pub(crate) fn unauthorized(
    tokens: Option<&Settings>,
    invalid: Option<&str>,
    detail: &str,
) -> Problem {
    let problem = Problem::new(Code::Unauthorized, detail);
    let invalid = invalid.map(|why| ("invalid_token", why));
    challenge(problem, tokens, invalid, None)
}

/// The error for a token with insufficient scope.
pub(crate) fn insufficient_scope(tokens: &Settings, needed: Access) -> Problem {
    let scope = needed.scope();
    let detail = format!("this needs a token with the scope `{scope}`");
    let problem = Problem::new(Code::Forbidden, detail);
    let why = (
        "insufficient_scope",
        "the scope of the token is insufficient",
    );
    challenge(problem, Some(tokens), Some(why), Some(needed))
}

/// Adds the challenge, which is minimal if only keys are accepted. None of the texts contains a
/// quote or a backslash.
fn challenge(
    problem: Problem,
    tokens: Option<&Settings>,
    error: Option<(&str, &str)>,
    scope: Option<Access>,
) -> Problem {
    let mut text = "Bearer realm=\"lastcall\"".to_owned();
    if let Some(settings) = tokens {
        let mut add = |name: &str, value: &str| text.push_str(&format!(", {name}=\"{value}\""));
        if let Some((code, why)) = error {
            add("error", code);
            add("error_description", why);
        }
        if let Some(access) = scope {
            add("scope", access.scope());
        }
        add("resource_metadata", &settings.metadata_url());
    }
    match HeaderValue::from_str(&text) {
        Ok(value) => problem.with_header(header::WWW_AUTHENTICATE, value),
        // The configuration rejects such URLs.
        Err(_) => problem,
    }
}
