//! The configuration of tokens.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use url::{Host, Url};

use crate::algorithm::Algorithm;

/// The longest URL, in bytes.
const MAX_URL: usize = 1024;

/// Which tokens are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The issuer: `iss` must be exactly this string.
    pub issuer: String,
    /// The audiences: `aud` must contain one of these.
    pub audience: Vec<String>,
    /// Where the issuer's keys are.
    pub jwks: KeySource,
    /// The identifier of this service in its metadata (RFC 9728): an absolute URL.
    pub resource: String,
    /// The claim that names the owner.
    pub owner_claim: String,
    /// The leeway for the difference between the issuer's clock and this one.
    pub leeway: Duration,
    /// The accepted algorithms.
    pub algorithms: Vec<Algorithm>,
}

/// The path of a protected resource's metadata, below its host (RFC 9728, section 3).
pub const METADATA_PATH: &str = "/.well-known/oauth-protected-resource";

impl Settings {
    /// The URL of the resource as the parts before and after [`METADATA_PATH`]: its host, and its
    /// own path, which is empty where there is only a slash.
    fn resource_parts(&self) -> (&str, &str) {
        let host = self.resource.find("://").map_or(0, |at| at + 3);
        let path = self.resource[host..].find('/');
        let path = path.map_or(self.resource.len(), |at| host + at);
        let (host, path) = self.resource.split_at(path);
        (host, if path == "/" { "" } else { path })
    }

    /// Where clients find the metadata of this service.
    pub fn metadata_url(&self) -> String {
        let (host, path) = self.resource_parts();
        format!("{host}{METADATA_PATH}{path}")
    }

    /// Whether the metadata is at [`METADATA_PATH`] followed by `path`. A proxy in front may have
    /// removed the path of the resource.
    pub fn has_metadata_at(&self, path: &str) -> bool {
        path.is_empty() || path == self.resource_parts().1
    }
}

/// The location of a key set (RFC 7517).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// A URL, over TLS unless it is on this machine.
    Url(Url),
    /// A file.
    File(PathBuf),
}

impl KeySource {
    /// Reads `https://…`, `http://…` of a loopback address, or `file:///…`.
    ///
    /// # Errors
    /// The rule that the text breaks.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const RULE: &str = "an https URL (http only on a loopback address) without a user and a \
                            fragment, or file:///…";
        if text.starts_with("file:") {
            let url = Url::parse(text).map_err(|_| RULE)?;
            let plain = url.query().is_none() && url.fragment().is_none();
            let path = url.to_file_path().ok().filter(|_| plain);
            return path.map(Self::File).ok_or(RULE);
        }
        secure(text)
            .filter(|url| url.fragment().is_none())
            .map(Self::Url)
            .ok_or(RULE)
    }
}

/// Checks the URL of an issuer (RFC 8414, section 2). It is compared as it is written.
///
/// # Errors
/// The rule that the text breaks.
pub fn check_issuer(text: &str) -> Result<(), &'static str> {
    secure(text)
        .filter(|url| url.query().is_none() && url.fragment().is_none())
        .map(drop)
        .ok_or(
            "an https URL (http only on a loopback address) without a user, query and fragment, \
             exactly as in the claim `iss`",
        )
}

/// Checks the URL of a protected resource (RFC 9728, section 1.2).
///
/// # Errors
/// The rule that the text breaks.
pub fn check_resource(text: &str) -> Result<(), &'static str> {
    secure(text)
        .filter(|url| url.query().is_none() && url.fragment().is_none())
        .map(drop)
        .ok_or("an https URL (http only on a loopback address) without a user, query and fragment")
}

/// A URL over which nobody can read or change the data on its way, and that may be shown.
fn secure(text: &str) -> Option<Url> {
    let graphic = text.bytes().all(|byte| byte.is_ascii_graphic());
    // Both would need escaping in a quoted header.
    if !graphic || text.contains(['"', '\\']) || text.len() > MAX_URL {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let plain = url.username().is_empty() && url.password().is_none();
    let safe = match url.scheme() {
        "https" => url.has_host(),
        "http" => is_loopback(&url),
        _ => false,
    };
    (plain && safe).then_some(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_come_over_tls_or_from_this_machine() {
        for good in [
            "https://id.example.com/jwks",
            "https://id.example.com/keys?appid=7",
            "http://127.0.0.1:9000/jwks",
            "http://[::1]/jwks",
            "http://localhost/jwks",
        ] {
            assert!(
                matches!(KeySource::parse(good), Ok(KeySource::Url(_))),
                "{good}"
            );
        }
        let file = KeySource::parse("file:///etc/lastcall/jwks.json");
        assert_eq!(file, Ok(KeySource::File("/etc/lastcall/jwks.json".into())));
        for bad in [
            "",
            "jwks.json",
            "http://id.example.com/jwks",
            "http://localhost.example.com/jwks",
            "http://127.0.0.1.example.com/jwks",
            "https://user@id.example.com/jwks",
            "https://:secret@id.example.com/jwks",
            "https://id.example.com/jwks#x",
            "https://id.example.com/a b",
            "https://id.example.com/\"",
            "https://",
            "ftp://id.example.com/jwks",
            "data:application/json,{}",
            "file://host/jwks",
            "file:///jwks?x",
        ] {
            assert!(KeySource::parse(bad).is_err(), "{bad}");
        }
        assert!(KeySource::parse(&format!("https://id/{}", "x".repeat(MAX_URL))).is_err());
    }

    #[test]
    fn the_metadata_is_between_the_host_and_the_path_of_the_resource() {
        for (resource, path, url) in [
            (
                "https://a.example",
                "",
                "https://a.example/.well-known/oauth-protected-resource",
            ),
            (
                "https://a.example/",
                "",
                "https://a.example/.well-known/oauth-protected-resource",
            ),
            (
                "https://a.example:8443/jobs/v1",
                "/jobs/v1",
                "https://a.example:8443/.well-known/oauth-protected-resource/jobs/v1",
            ),
        ] {
            let settings = Settings {
                resource: resource.to_owned(),
                ..crate::tests::settings()
            };
            assert_eq!(settings.metadata_url(), url);
            assert!(settings.has_metadata_at("") && settings.has_metadata_at(path));
            assert!(!settings.has_metadata_at("/other"));
        }
    }

    #[test]
    fn an_issuer_has_neither_a_query_nor_a_fragment() {
        for good in ["https://id.example.com", "https://id.example.com/realms/a/"] {
            assert_eq!(check_issuer(good), Ok(()));
            assert_eq!(check_resource(good), Ok(()));
        }
        for bad in [
            "id.example.com",
            "http://id.example.com",
            "https://id.example.com?x",
            "https://id.example.com#x",
            "https://u:p@id.example.com",
        ] {
            assert!(check_issuer(bad).is_err(), "{bad}");
            assert!(check_resource(bad).is_err(), "{bad}");
        }
    }
}
