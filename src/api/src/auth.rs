//! Authentication of callers.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use lastcall_domain::{Owner, Timestamp};
use lastcall_jwt::{Access, Rejection, Settings, Token, TokenVerifier};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::challenge::{insufficient_scope, unauthorized};
use crate::errors::Code;
use crate::problem::{ApiResult, Problem};

/// After how many seconds the keys of the token issuer may be there.
const ISSUER_RETRY: u32 = 5;

/// What a caller may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Read what is theirs.
    Reader,
    /// Everything on what is theirs.
    User,
    /// That, and begin the shutdown.
    Admin,
}

impl Role {
    /// Every role.
    pub(crate) const ALL: [Self; 3] = [Self::Reader, Self::User, Self::Admin];

    /// Its name, as answers and the audit show it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Reader => "reader",
            Self::User => "user",
            Self::Admin => "admin",
        }
    }
}

impl From<Access> for Role {
    fn from(access: Access) -> Self {
        match access {
            Access::Read => Self::Reader,
            Access::Run => Self::User,
            Access::Admin => Self::Admin,
        }
    }
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
    /// With a token of an issuer, or with a key if there are any.
    Jwt {
        /// The keys.
        keys: Vec<ApiKey>,
        /// Which tokens are accepted.
        settings: Box<Settings>,
    },
}

/// The caller of a request.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) owner: Owner,
    /// What proves it.
    pub(crate) proof: Proof,
    pub(crate) role: Role,
}

/// What a caller is known by.
#[derive(Clone, Debug)]
pub(crate) enum Proof {
    /// Nothing: there is only one caller.
    None,
    /// The key of that name.
    Key(String),
    /// A token.
    Token(TokenNames),
}

/// What a token says of itself, for the audit.
#[derive(Clone, Debug)]
pub(crate) struct TokenNames {
    /// `jti`
    pub(crate) id: Option<String>,
    /// The program that it was made for.
    pub(crate) client: Option<String>,
}

impl Auth {
    /// What it is called in the configuration.
    pub const fn mode(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Keys(_) => "keys",
            Self::Jwt { .. } => "jwt",
        }
    }

    /// The keys that callers may have; `None` where no caller needs to prove anything.
    pub fn keys(&self) -> Option<&[ApiKey]> {
        match self {
            Self::None => None,
            Self::Keys(keys) | Self::Jwt { keys, .. } => Some(keys),
        }
    }

    /// Which tokens are accepted, if any are.
    pub fn tokens(&self) -> Option<&Settings> {
        match self {
            Self::None | Self::Keys(_) => None,
            Self::Jwt { settings, .. } => Some(settings),
        }
    }

    /// The caller that the headers prove, who may use this method. `verifier` is there where tokens
    /// are accepted.
    ///
    /// # Errors
    /// `unauthorized` where they prove none, `forbidden` where a token does not allow it, and
    /// `issuer_unavailable` where the keys of the issuer are not known.
    pub(crate) async fn caller(
        &self,
        verifier: Option<&TokenVerifier>,
        method: &Method,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> ApiResult<Caller> {
        let Some(keys) = self.keys() else {
            return Ok(Caller {
                owner: Owner::anonymous(),
                proof: Proof::None,
                role: Role::Admin,
            });
        };
        let given = bearer(headers).ok_or_else(|| {
            let what = match self.tokens() {
                Some(_) => "send a token as `Authorization: Bearer TOKEN`",
                None => "send the key as `Authorization: Bearer KEY`",
            };
            unauthorized(self.tokens(), None, what)
        })?;
        let invalid = |why: &str| unauthorized(self.tokens(), Some(why), why);
        if let Some(key) = find_key(keys, given) {
            if key.has_expired(now) {
                return Err(invalid("the key has expired"));
            }
            return Ok(Caller {
                owner: Owner::new(&key.owner),
                proof: Proof::Key(key.name.clone()),
                role: key.role,
            });
        }
        let (Some(verifier), Some(settings)) = (verifier, self.tokens()) else {
            return Err(invalid("the key is not known"));
        };
        if !keys.is_empty() && !TokenVerifier::is_token(given) {
            return Err(invalid("the key is not known"));
        }
        match verifier.verify(given, now).await {
            Ok(token) => caller_of(token, method, settings),
            Err(Rejection::Invalid(why)) => Err(invalid(why)),
            Err(Rejection::Unavailable) => Err(Problem::new(
                Code::IssuerUnavailable,
                "the keys of the token issuer are not known",
            )
            .retry_after(ISSUER_RETRY)),
        }
    }
}

/// The key that was given, if it is one.
fn find_key<'a>(keys: &'a [ApiKey], given: &str) -> Option<&'a ApiKey> {
    let digest = Sha256::digest(given.as_bytes());
    // Every key is looked at, so that the time says nothing about which one came close.
    let mut found = None;
    for key in keys {
        if bool::from(key.sha256.ct_eq(digest.as_slice())) {
            found = Some(key);
        }
    }
    found
}

/// The caller with this token, if it allows the method.
fn caller_of(token: Token, method: &Method, settings: &Settings) -> ApiResult<Caller> {
    let needed = if method.is_safe() {
        Access::Read
    } else {
        Access::Run
    };
    match token.access.filter(|access| *access >= needed) {
        Some(access) => Ok(Caller {
            owner: token.owner,
            proof: Proof::Token(TokenNames {
                id: token.id,
                client: token.client,
            }),
            role: access.into(),
        }),
        None => Err(insufficient_scope(settings, needed)),
    }
}

impl Caller {
    /// Lets administrators pass. `tokens` are the settings of tokens, where they are accepted.
    ///
    /// # Errors
    /// `forbidden`.
    pub(crate) fn require_admin(&self, tokens: Option<&Settings>) -> ApiResult<()> {
        match (self.role, &self.proof, tokens) {
            (Role::Admin, ..) => Ok(()),
            (_, Proof::Token(_), Some(settings)) => {
                Err(insufficient_scope(settings, Access::Admin))
            }
            _ => Err(Problem::new(
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
                .ok_or_else(|| unauthorized(None, None, "the caller is not known")),
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
