//! Parses the URL: the driver's settings, and `sslmode` with libpq's meaning, which the driver
//! supports only in part.

use std::path::PathBuf;
use std::time::Duration;

use lastcall_domain::{StoreError, StoreResult};
use tokio_postgres::Config;
use tokio_postgres::config::SslMode;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long data may stay unacknowledged before the connection counts as dead.
const ACKNOWLEDGE_TIMEOUT: Duration = Duration::from_secs(10);

/// A parsed URL.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) config: Config,
    pub(super) trust: Trust,
}

/// What the server's certificate must prove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Nothing: the connection is encrypted, but the server is not verified.
    Any,
    /// That a trusted authority has signed it.
    Authority(Roots),
    /// Also that it is for this host.
    Host(Roots),
}

/// The trusted authorities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Roots {
    /// Those of the machine.
    System,
    /// Those in this file, PEM.
    File(PathBuf),
}

/// Parses the URL.
///
/// # Errors
/// Without any part of the URL: if it cannot be parsed, a password may be anywhere.
pub(super) fn read(url: &str) -> StoreResult<Target> {
    let unreadable = || {
        StoreError::Failed(
            "the URL is not of the form postgres://user:password@host:port/database?sslmode=…, \
             or has an option that is not known; write special characters in the user and the \
             password as %XX"
                .to_owned(),
        )
    };
    let (place, query) = url.split_once('?').unwrap_or((url, ""));
    let mut mode = "prefer";
    let mut roots = None;
    let mut rest = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.split_once('=') {
            Some(("sslmode", value)) => mode = value,
            Some(("sslrootcert", "system")) => roots = Some(Roots::System),
            Some(("sslrootcert", value)) => roots = Some(Roots::File(decoded(value).into())),
            _ => rest.push(pair),
        }
    }
    let mut config: Config = format!("{place}?{}", rest.join("&"))
        .parse()
        .map_err(|_| unreadable())?;
    if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
        return Err(StoreError::Failed("the URL names no host".to_owned()));
    }
    let trusted = || roots.clone().unwrap_or(Roots::System);
    let (encryption, trust) = match mode {
        "disable" => (SslMode::Disable, Trust::Any),
        "allow" | "prefer" => (SslMode::Prefer, Trust::Any),
        // As in libpq: with a file of authorities, `require` checks them.
        "require" if roots.is_some() => (SslMode::Require, Trust::Authority(trusted())),
        "require" => (SslMode::Require, Trust::Any),
        "verify-ca" => (SslMode::Require, Trust::Authority(trusted())),
        "verify-full" => (SslMode::Require, Trust::Host(trusted())),
        _ => {
            return Err(StoreError::Failed(
                "sslmode is one of disable, allow, prefer, require, verify-ca, verify-full"
                    .to_owned(),
            ));
        }
    };
    config
        .ssl_mode(encryption)
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_user_timeout(ACKNOWLEDGE_TIMEOUT)
        .keepalives_idle(ACKNOWLEDGE_TIMEOUT);
    if config.get_application_name().is_none() {
        config.application_name("lastcall");
    }
    Ok(Target { config, trust })
}

/// The text with %XX decoded; invalid sequences stay.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| *first == b'%');
        let code = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(code) => {
                bytes.push(code);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_modes_mean_what_they_mean_to_libpq() {
        let trust = |query: &str| {
            let target = read(&format!("postgres://u@h/d?{query}")).unwrap();
            (target.config.get_ssl_mode(), target.trust)
        };
        let file = || Roots::File("/a b.pem".into());
        assert_eq!(trust(""), (SslMode::Prefer, Trust::Any));
        assert_eq!(trust("sslmode=disable"), (SslMode::Disable, Trust::Any));
        assert_eq!(trust("sslmode=require"), (SslMode::Require, Trust::Any));
        assert_eq!(
            trust("sslmode=require&sslrootcert=/a%20b.pem"),
            (SslMode::Require, Trust::Authority(file()))
        );
        assert_eq!(
            trust("sslrootcert=/a%20b.pem&sslmode=verify-full"),
            (SslMode::Require, Trust::Host(file()))
        );
        assert_eq!(
            trust("sslmode=verify-ca"),
            (SslMode::Require, Trust::Authority(Roots::System))
        );
    }

    #[test]
    fn an_error_contains_nothing_of_the_url() {
        for url in [
            "postgres://u:s3cret@h:port/d",
            "postgres://u:s3cret@h/d?s3cret=1",
            "postgres://u:s3cret@h/d?sslmode=s3cret",
            "postgres://u:s3cret@/d",
        ] {
            let error = read(url).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn the_password_is_not_in_what_is_printed() {
        let target = read("postgres://u:s3cret@h/d").unwrap();
        assert!(!format!("{target:?}").contains("s3cret"));
    }
}
