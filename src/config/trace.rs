//! `trace.*`: where spans are exported to.

use std::fmt;

use actix_web::http::Uri;
use actix_web::http::header::{HeaderName, HeaderValue};
use toml::Value;

use super::reader::Reader;

const OTLP: &str = "trace.otlp";
const HEADERS: &str = "trace.headers";
/// The most headers of a request to the collector.
const MAX_HEADERS: usize = 32;

/// `trace.*`
#[derive(Clone)]
pub struct Trace {
    /// The base URL of the collector; nothing is recorded without one.
    pub otlp: Option<String>,
    /// The share of new traces that is recorded, 0 to 1.
    pub sample: f64,
    /// Headers of each request to the collector, by name; secrets.
    pub headers: Vec<(String, String)>,
}

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace")
            .field("otlp", &self.otlp)
            .field("sample", &self.sample)
            .finish_non_exhaustive()
    }
}

impl Trace {
    pub(super) fn read(read: &mut Reader) -> Self {
        let otlp = read.parsed(OTLP, "\"\"".to_owned(), None, |value| {
            let url = value.as_str().map(str::trim).unwrap_or_default();
            match is_collector(url) {
                true => Ok(Some(url.to_owned())),
                false => Err(
                    "the base URL of a collector, such as \"http://127.0.0.1:4318\", without \
                     credentials, which belong into trace.headers"
                        .to_owned(),
                ),
            }
        });
        let sample = read.parsed("trace.sample", "1.0".to_owned(), 1.0, |value| {
            let share = match value {
                Value::Float(share) => Some(*share),
                Value::Integer(share) => Some(*share as f64),
                Value::String(text) => text.trim().parse().ok(),
                _ => None,
            };
            share
                .filter(|share| (0.0..=1.0).contains(share))
                .ok_or_else(|| "a number from 0.0 to 1.0".to_owned())
        });
        let headers = read.parsed(HEADERS, "\"\"".to_owned(), Vec::new(), |value| {
            value.as_str().and_then(headers).ok_or_else(|| {
                format!("at most {MAX_HEADERS} lines such as \"authorization: Bearer …\"")
            })
        });
        if otlp.is_none() && !headers.is_empty() && read.is_sound(OTLP) {
            read.fault(OTLP, "the collector that trace.headers are for");
        }
        Self {
            otlp,
            sample,
            headers,
        }
    }
}

/// Whether spans can be sent there. URLs that may hold a secret are refused, because the URL is
/// shown.
fn is_collector(url: &str) -> bool {
    let Ok(uri) = url.parse::<Uri>() else {
        return false;
    };
    let plain = !url.contains(['@', '?', '#']);
    plain && matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some()
}

/// Headers in HTTP's notation, one per line.
fn headers(text: &str) -> Option<Vec<(String, String)>> {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let headers: Option<Vec<_>> = lines
        .map(|line| {
            let (name, value) = line.split_once(':')?;
            let name = HeaderName::try_from(name.trim()).ok()?;
            let value = HeaderValue::from_str(value.trim()).ok()?;
            Some((name.to_string(), value.to_str().ok()?.to_owned()))
        })
        .collect();
    headers.filter(|headers| headers.len() <= MAX_HEADERS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_has_a_plain_url_of_http() {
        for good in [
            "http://127.0.0.1:4318",
            "http://[::1]:4318/",
            "https://collector.example/otlp",
        ] {
            assert!(is_collector(good), "{good}");
        }
        for bad in [
            "",
            "127.0.0.1:4318",
            "collector",
            "grpc://collector:4317",
            "http://",
            "https://me:secret@collector",
            "https://collector?token=secret",
        ] {
            assert!(!is_collector(bad), "{bad}");
        }
    }

    #[test]
    fn headers_are_lines() {
        let read = headers("Authorization: Bearer a:b\n\nx-scope: one\r\n").unwrap();
        let expected = [("authorization", "Bearer a:b"), ("x-scope", "one")];
        assert_eq!(read, expected.map(|(n, v)| (n.to_owned(), v.to_owned())));
        assert_eq!(headers(""), Some(Vec::new()));
        for bad in ["Bearer", "a b: c", ": x", "a: é"] {
            assert_eq!(headers(bad), None, "{bad}");
        }
        assert_eq!(headers(&"a: b\n".repeat(MAX_HEADERS + 1)), None);
    }
}
