//! Values as shown in faults, never a possible secret.

use toml::Value;

use super::Secret;

/// Replaces a value that may be a secret.
const HIDDEN: &str = "(not shown)";

/// The value as shown in a fault.
pub(super) fn value(key: &str, value: &Value) -> String {
    match value {
        _ if key.starts_with("auth.keys") || key == "trace.headers" => HIDDEN.to_owned(),
        Value::String(text) if is_url(key) => match url(text) {
            Some(text) => format!("{text:?}"),
            None => HIDDEN.to_owned(),
        },
        value => value.to_string(),
    }
}

/// Whether the value of the key is a URL, which may carry a misplaced password.
fn is_url(key: &str) -> bool {
    key.ends_with(".url")
        || key == "trace.otlp"
        || ["issuer", "jwks", "resource"]
            .iter()
            .any(|name| key == format!("auth.jwt.{name}"))
}

/// The value of an unknown key. It is shown only if another key was probably meant whose value is
/// no secret.
pub(super) fn unknown(meant: Option<&str>, found: &Value) -> String {
    match meant {
        Some(key) => value(key, found),
        None => HIDDEN.to_owned(),
    }
}

/// What may be shown of a URL's value; `None` if a password may be anywhere in it.
fn url(text: &str) -> Option<String> {
    if text.contains("://") {
        Some(Secret(text.to_owned()).redacted_url())
    } else {
        (!text.contains(['@', '=', '?'])).then(|| text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_in_what_is_shown() {
        for text in [
            "mysql://me:s3cret@host/db",
            "me:s3cret@host/db",
            "host=db password=s3cret",
            "postgres://host/db?password=s3cret",
            "mysql://me:s3@cret@host/db",
            "postgres://me:s3?cret@host/db",
            "postgres://host/db?password=x@s3",
        ] {
            let found = Value::String(text.to_owned());
            for shown in [
                value("store.url", &found),
                value("auth.jwt.jwks", &found),
                value("auth.jwt.issuer", &found),
                unknown(Some("store.url"), &found),
                unknown(None, &found),
            ] {
                assert!(!shown.contains("s3"), "{text}: {shown}");
            }
        }
    }

    #[test]
    fn headers_for_the_collector_are_not_shown() {
        let found = Value::String("Bearer s3cret".to_owned());
        assert_eq!(value("trace.headers", &found), HIDDEN);
        assert_eq!(unknown(Some("trace.headers"), &found), HIDDEN);
    }

    #[test]
    fn what_is_no_secret_is_shown() {
        let found = |text: &str| Value::String(text.to_owned());
        assert_eq!(value("store.url", &found("sqlite:x.db")), "\"sqlite:x.db\"");
        assert_eq!(value("blobs.url", &found("ftp://x/y")), "\"ftp://x/y\"");
        assert_eq!(
            value("store.url", &found("mysql://me:s3cret@host/db")),
            "\"mysql://…@host/db\""
        );
        assert_eq!(unknown(Some("jobs.lease"), &found("5s")), "\"5s\"");
        assert_eq!(
            value("trace.otlp", &found("grpc://c:4317")),
            "\"grpc://c:4317\""
        );
    }
}
