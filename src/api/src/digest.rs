//! `Content-Digest` on uploads (RFC 9530): the expected hash of the body as sent.

use actix_web::http::header::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256, Sha512};

use crate::errors::Code;
use crate::problem::{ApiResult, Problem};

/// The hash of a body, and its expected value.
pub(crate) enum ContentDigest {
    /// SHA-256.
    Sha256(Box<Sha256>, Vec<u8>),
    /// SHA-512.
    Sha512(Box<Sha512>, Vec<u8>),
}

impl ContentDigest {
    /// The strongest digest in the headers; unknown and insecure algorithms are ignored.
    ///
    /// # Errors
    /// `invalid_parameter` if a known one cannot be read.
    pub(crate) fn of(headers: &HeaderMap) -> ApiResult<Option<Self>> {
        let mut found = None;
        for value in headers.get_all("content-digest") {
            let value = value.to_str().map_err(|_| invalid())?;
            for member in value.split(',') {
                let Some((algorithm, digest)) = member.trim().split_once('=') else {
                    return Err(invalid());
                };
                let (bits, length) = match algorithm {
                    "sha-256" => (256, 32),
                    "sha-512" => (512, 64),
                    _ => continue,
                };
                let digest = digest
                    .strip_prefix(':')
                    .and_then(|digest| digest.strip_suffix(':'))
                    .and_then(|digest| STANDARD.decode(digest).ok())
                    .filter(|digest| digest.len() == length)
                    .ok_or_else(invalid)?;
                match (&found, bits) {
                    (_, 512) => found = Some(Self::Sha512(Box::default(), digest)),
                    (None, _) => found = Some(Self::Sha256(Box::default(), digest)),
                    _ => {}
                }
            }
        }
        Ok(found)
    }

    /// Adds bytes of the body.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hash, _) => hash.update(bytes),
            Self::Sha512(hash, _) => hash.update(bytes),
        }
    }

    /// Checks the hash of the body.
    ///
    /// # Errors
    /// `digest_mismatch` if it differs.
    pub(crate) fn check(self) -> ApiResult<()> {
        let holds = match self {
            Self::Sha256(hash, expected) => hash.finalize()[..] == expected[..],
            Self::Sha512(hash, expected) => hash.finalize()[..] == expected[..],
        };
        if holds {
            return Ok(());
        }
        Err(Problem::new(
            Code::DigestMismatch,
            "the body has another digest than Content-Digest announces",
        ))
    }
}

fn invalid() -> Problem {
    Problem::new(
        Code::InvalidParameter,
        "Content-Digest has to be a dictionary such as `sha-256=:<Base64>:`",
    )
}
