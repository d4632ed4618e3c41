//! Authentication of callers.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use lastcall_domain::{Owner, Timestamp};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::errors::Code;
use crate::problem::{ApiResult, Problem};

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything on what is theirs.
    User,
    /// That, and begin the shutdown.
    Admin,
}

/// A key that callers prove themselves with.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// What it is called, to tell it from others of the same owner.
    pub name: String,
    /// Whose it is: the owner of what is made with it. While a key is replaced, its owner has two.
    pub owner: String,
    /// The SHA-256 of the key.
    pub sha256: [u8; 32],
    /// What it may do.
    pub role: Role,
    /// When it is no longer accepted.
    pub expires: Option<Timestamp>,
}

impl ApiKey {
    /// A key of an owner of the same name, for good.
    pub fn new(name: &str, sha256: [u8; 32], role: Role) -> Self {
        Self {
            name: name.to_owned(),
            owner: name.to_owned(),
            sha256,
            role,
            expires: None,
        }
    }

    /// Whether it is no longer accepted.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

/// How callers prove who they are.
#[derive(Clone, Debug)]
pub enum Auth {
    /// Not at all: all are one caller, who may do everything.
    None,
    /// With a bearer key.
    Keys(Vec<ApiKey>),
}

/// The caller of a request.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) owner: Owner,
    /// The name of the key that proves it.
    pub(crate) key: Option<String>,
    pub(crate) role: Role,
}

impl Auth {
    /// The caller that the headers prove.
    ///
    /// # Errors
    /// `unauthorized` where they prove none.
    pub(crate) fn caller(&self, headers: &HeaderMap, now: Timestamp) -> ApiResult<Caller> {
        let keys = match self {
            Self::None => {
                return Ok(Caller {
                    owner: Owner::anonymous(),
                    key: None,
                    role: Role::Admin,
                });
            }
            Self::Keys(keys) => keys,
        };
        let given = bearer(headers)
            .ok_or_else(|| unauthorized("send the key as `Authorization: Bearer KEY`"))?;
        let digest = Sha256::digest(given.as_bytes());
        // Every key is looked at, so that the time says nothing about which one came close.
        let mut found = None;
        for key in keys {
            if bool::from(key.sha256.ct_eq(digest.as_slice())) {
                found = Some(key);
            }
        }
        let key = found.ok_or_else(|| unauthorized("the key is not known"))?;
        if key.has_expired(now) {
            return Err(unauthorized("the key has expired"));
        }
        Ok(Caller {
            owner: Owner::new(&key.owner),
            key: Some(key.name.clone()),
            role: key.role,
        })
    }
}

impl Caller {
    /// Lets administrators pass.
    pub(crate) fn require_admin(&self) -> ApiResult<()> {
        match self.role {
            Role::Admin => Ok(()),
            Role::User => Err(Problem::new(
                Code::Forbidden,
                "this needs a key with the role `admin`",
            )),
        }
    }
}

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<ApiResult<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(
            request
                .extensions()
                .get::<Self>()
                .cloned()
                .ok_or_else(|| unauthorized("the caller is not known")),
        )
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| key.trim())
        .filter(|key| !key.is_empty())
}

fn unauthorized(detail: &str) -> Problem {
    Problem::new(Code::Unauthorized, detail).with_header(
        header::WWW_AUTHENTICATE,
        HeaderValue::from_static("Bearer realm=\"lastcall\""),
    )
}
