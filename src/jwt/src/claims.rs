//! The claims of a token whose signature, issuer and audience are valid.

use std::time::Duration;

use lastcall_domain::{Owner, Timestamp};
use serde_json::{Map, Value};

use crate::scope::Access;
use crate::settings::Settings;

/// The prefix of all owners that tokens name. No key may have such an owner.
pub const OWNER_PREFIX: &str = "jwt:";

/// The longest claim that names somebody, in bytes: what OpenID Connect allows for `sub`.
const MAX_NAME: usize = 255;

/// A valid token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// The owner of everything created with it.
    pub owner: Owner,
    /// What it allows; `None` if it has none of the scopes.
    pub access: Option<Access>,
    /// `jti`, its id.
    pub id: Option<String>,
    /// `client_id` or `azp`, the client that it was issued to.
    pub client: Option<String>,
}

impl Token {
    /// Reads the claims.
    ///
    /// # Errors
    /// What is wrong with them, for the sender.
    pub(crate) fn of(
        claims: &Map<String, Value>,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<Self, &'static str> {
        check_times(claims, settings.leeway, now)?;
        let name = claims.get(&settings.owner_claim).and_then(name);
        let name = name.ok_or("the claim that names the owner is missing or unsuitable")?;
        let client = ["client_id", "azp"].into_iter();
        let client = client.filter_map(|claim| claims.get(claim));
        Ok(Self {
            owner: owner(settings, name),
            access: Access::of(claims),
            id: claims.get("jti").and_then(name_of),
            client: client.filter_map(name_of).next(),
        })
    }
}

/// The owner with this name. Issuer and claim are a part of it, so that the same name from another
/// issuer, or in another claim, is another owner. The parts cannot overlap: no issuer has a `#`,
/// and no claim a `=`.
fn owner(settings: &Settings, name: &str) -> Owner {
    let (issuer, claim) = (&settings.issuer, &settings.owner_claim);
    Owner::new(format!("{OWNER_PREFIX}{issuer}#{claim}={name}"))
}

fn name(value: &Value) -> Option<&str> {
    value
        .as_str()
        .filter(|name| (1..=MAX_NAME).contains(&name.len()) && !name.contains(char::is_control))
}

fn name_of(value: &Value) -> Option<String> {
    name(value).map(str::to_owned)
}

/// Checks that the token is valid now: `exp` is required, `nbf` and `iat` are optional.
fn check_times(
    claims: &Map<String, Value>,
    leeway: Duration,
    now: Timestamp,
) -> Result<(), &'static str> {
    let now = now.timestamp_millis() as f64 / 1_000.0;
    let leeway = leeway.as_secs_f64();
    let time = |claim| match claims.get(claim) {
        None => Ok(None),
        // A NumericDate may have a fraction (RFC 7519, section 2).
        Some(value) => match value.as_f64().filter(|time| time.is_finite()) {
            Some(time) => Ok(Some(time)),
            None => Err("a time of the token is not a number"),
        },
    };
    let expires = time("exp")?.ok_or("the token has no exp")?;
    if expires + leeway <= now {
        return Err("the token has expired");
    }
    if time("nbf")?.is_some_and(|not_before| not_before - leeway > now) {
        return Err("the token is not valid yet");
    }
    if time("iat")?.is_some_and(|issued_at| issued_at - leeway > now) {
        return Err("the token was issued in the future");
    }
    Ok(())
}
