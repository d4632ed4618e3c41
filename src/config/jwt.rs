//! `auth.jwt.*`: the tokens that are accepted.

use std::time::Duration;

use lastcall_jwt::settings::{check_issuer, check_resource};
use lastcall_jwt::{Algorithm, KeySource, Settings};

use super::lists;
use super::reader::Reader;

const ISSUER: &str = "auth.jwt.issuer";
const AUDIENCE: &str = "auth.jwt.audience";
const JWKS: &str = "auth.jwt.jwks";
const RESOURCE: &str = "auth.jwt.resource";

/// The most audiences, and their longest, in bytes.
const MAX_AUDIENCES: usize = 10;
const MAX_AUDIENCE: usize = 1024;
/// The longest name of a claim, in bytes.
const MAX_CLAIM: usize = 128;

/// Reads every key. Returns `None` if a key without a default is missing or wrong; a missing one is
/// a fault if they are `wanted`.
pub(super) fn read(read: &mut Reader, wanted: bool) -> Option<Settings> {
    let issuer = url(read, ISSUER, |text| {
        check_issuer(text).map(|()| text.to_owned())
    });
    let audience = read.parsed(AUDIENCE, "[]".to_owned(), Vec::new(), |value| {
        let sound = |texts: &Vec<String>| {
            let short = |text: &String| (1..=MAX_AUDIENCE).contains(&text.len());
            (1..=MAX_AUDIENCES).contains(&texts.len()) && texts.iter().all(short)
        };
        lists::texts(value).filter(sound).ok_or_else(|| {
            format!("a text, or a list of at most {MAX_AUDIENCES} of them, such as [\"https://lastcall.example.com\"]")
        })
    });
    let jwks = url(read, JWKS, KeySource::parse);
    let resource = url(read, RESOURCE, |text| {
        check_resource(text).map(|()| text.to_owned())
    });
    let owner_claim = read.parsed(
        "auth.jwt.owner_claim",
        "\"sub\"".to_owned(),
        "sub".to_owned(),
        |value| {
            let claim = value.as_str().filter(|claim| is_claim(claim));
            let rule = "the name of a claim: ASCII letters, digits and any of _ - . : /";
            claim.map(str::to_owned).ok_or_else(|| rule.to_owned())
        },
    );
    let leeway = read.duration(
        "auth.jwt.leeway",
        Duration::from_secs(60),
        Duration::ZERO..=Duration::from_mins(5),
    );
    let algorithms = algorithms(read);
    if wanted {
        require(read, ISSUER, issuer.is_some(), "the URL of the issuer");
        let rule = "the audience of the tokens for this service";
        require(read, AUDIENCE, !audience.is_empty(), rule);
        require(read, JWKS, jwks.is_some(), "the URL of the issuer's keys");
    }
    let resource = resource.or_else(|| {
        let mut urls = audience.iter().filter(|text| check_resource(text).is_ok());
        urls.next().cloned()
    });
    if wanted && !audience.is_empty() {
        let rule = "the URL of this service, as no audience is one";
        require(read, RESOURCE, resource.is_some(), rule);
    }
    Some(Settings {
        issuer: issuer?,
        audience: Some(audience).filter(|audience| !audience.is_empty())?,
        jwks: jwks?,
        resource: resource?,
        owner_claim,
        leeway,
        algorithms,
    })
}

/// Records that a key is missing, unless its value is already a fault.
fn require(read: &mut Reader, key: &str, given: bool, what: &str) {
    if !given && read.is_sound(key) {
        read.fault(key, &format!("{what} with auth.mode = \"jwt\""));
    }
}

fn url<T>(
    read: &mut Reader,
    key: &str,
    parse: impl FnOnce(&str) -> Result<T, &'static str>,
) -> Option<T> {
    read.parsed(key, "\"\"".to_owned(), None, |value| {
        let text = value.as_str().unwrap_or_default().trim();
        parse(text).map(Some).map_err(str::to_owned)
    })
}

fn algorithms(read: &mut Reader) -> Vec<Algorithm> {
    let default = Algorithm::DEFAULT.map(Algorithm::as_str);
    read.parsed(
        "auth.jwt.algorithms",
        format!("{default:?}"),
        Algorithm::DEFAULT.to_vec(),
        |value| {
            let names = lists::texts(value).filter(|names| !names.is_empty());
            let known = |names: Vec<String>| names.iter().map(|name| name.parse().ok()).collect();
            names.and_then(known).ok_or_else(|| {
                let all = Algorithm::ALL.map(Algorithm::as_str).join(", ");
                format!("a list of some of {all}")
            })
        },
    )
}

/// Whether it is a valid name of a claim, and keeps the names of owners unambiguous.
fn is_claim(name: &str) -> bool {
    let clear = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:/".contains(&byte);
    (1..=MAX_CLAIM).contains(&name.len()) && name.bytes().all(clear)
}
