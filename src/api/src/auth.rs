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

/// After how many seconds to retry when the keys of the token issuer are missing.
const ISSUER_RETRY: u32 = 5;

/// The role of a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Reads its own data.
    Reader,
    /// Does everything with its own data.
    User,
    /// Also begins the shutdown.
    Admin,
}

impl Role {
    /// All roles.
    pub(crate) const ALL: [Self; 3] = [Self::Reader, Self::User, Self::Admin];

    /// Its name in responses and the audit.
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

/// An API key.
#[derive(Clone, Debug)]
pub struct ApiKey {
    /// Its name, unique among the keys.
    pub name: String,
    /// The owner of everything created with it. While a key is being replaced, its owner has two.
    pub owner: String,
    /// The SHA-256 of the key.
    pub sha256: [u8; 32],
    /// Its role.
    pub role: Role,
    /// When it is no longer accepted.
    pub expires: Option<Timestamp>,
}

impl ApiKey {
    /// A key whose owner has the same name, and that never expires.
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

/// The authentication of callers.
#[derive(Clone, Debug)]
pub enum Auth {
    /// None: there is only one caller, who may do everything.
    None,
    /// With a bearer key.
    Keys(Vec<ApiKey>),
    /// With a token of the issuer, or with a key if there are any.
    Jwt {
        /// The keys.
        keys: Vec<ApiKey>,
        /// The settings of tokens.
        settings: Box<Settings>,
    },
}

/// The caller of a request.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) owner: Owner,
    /// Its credentials.
    pub(crate) proof: Proof,
    pub(crate) role: Role,
}

/// The credentials of a caller.
#[derive(Clone, Debug)]
pub(crate) enum Proof {
    /// None: there is only one caller.
    None,
    /// The key with this name.
    Key(String),
    /// A token.
    Token(TokenNames),
}

/// The names in a token, for the audit.
#[derive(Clone, Debug)]
pub(crate) struct TokenNames {
    /// `jti`
    pub(crate) id: Option<String>,
    /// The client that it was issued to.
    pub(crate) client: Option<String>,
}

impl Auth {
    /// Its name in the configuration.
    pub const fn mode(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Keys(_) => "keys",
            Self::Jwt { .. } => "jwt",
        }
    }

    /// The keys; `None` if no authentication is needed.
    pub fn keys(&self) -> Option<&[ApiKey]> {
        match self {
            Self::None => None,
            Self::Keys(keys) | Self::Jwt { keys, .. } => Some(keys),
        }
    }

    /// The settings of tokens, if they are accepted.
    pub fn tokens(&self) -> Option<&Settings> {
        match self {
            Self::None | Self::Keys(_) => None,
            Self::Jwt { settings, .. } => Some(settings),
        }
    }

    /// Authenticates the caller, who must be allowed to use this method. `verifier` is present if
    /// tokens are accepted.
    ///
    /// # Errors
    /// `unauthorized` without valid credentials, `forbidden` if a token does not allow the method,
    /// and `issuer_unavailable` if the keys of the issuer are not known.
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

/// The key with this value, if there is one.
fn find_key<'a>(keys: &'a [ApiKey], given: &str) -> Option<&'a ApiKey> {
    let digest = Sha256::digest(given.as_bytes());
    // Every key is compared, so that the timing reveals nothing about near misses.
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
    /// Requires an administrator. `tokens` are the settings of tokens, if they are accepted.
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
