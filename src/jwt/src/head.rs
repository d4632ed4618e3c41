//! The header of a token, which says how to check it and must not be trusted before.

use crate::algorithm::Algorithm;

/// The longest token, in bytes.
const MAX_TOKEN: usize = 8 * 1024;
/// The longest name of a key, in bytes.
const MAX_KEY_ID: usize = 255;

/// The relevant fields of the header. Keys in it, and URLs of keys (`jwk`, `jku`, `x5u`), are
/// ignored.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) algorithm: Algorithm,
    pub(crate) key: Option<String>,
}

impl Head {
    /// Reads it.
    ///
    /// # Errors
    /// What is wrong with the token, for its sender.
    pub(crate) fn of(token: &str) -> Result<Self, &'static str> {
        if token.len() > MAX_TOKEN {
            return Err("the token is longer than 8 KiB");
        }
        if !is_jwt(token) {
            return Err("the token is not a JWT");
        }
        let Ok(header) = jsonwebtoken::decode_header(token) else {
            return Err("the head of the token is invalid, or its algorithm is not accepted");
        };
        let algorithm = Algorithm::from_library(header.alg)
            .ok_or("the algorithm of the token is not accepted")?;
        if header.crit.is_some() {
            return Err("the token has critical extensions, which are not supported");
        }
        let is_access_token = header.typ.as_deref().is_none_or(|kind| {
            let kind = kind.to_ascii_lowercase();
            let kind = kind.strip_prefix("application/").unwrap_or(&kind);
            matches!(kind, "jwt" | "at+jwt")
        });
        if !is_access_token {
            return Err("the type of the token is neither JWT nor at+jwt");
        }
        if header.kid.as_ref().is_some_and(|id| id.len() > MAX_KEY_ID) {
            return Err("the key id of the token is too long");
        }
        Ok(Self {
            algorithm,
            key: header.kid,
        })
    }
}

/// Whether it has the three parts of a signed token.
pub(crate) fn is_jwt(token: &str) -> bool {
    let mut parts = token.split('.');
    let mut part = || parts.next().is_some_and(|part| !part.is_empty());
    part() && part() && part() && parts.next().is_none()
}
