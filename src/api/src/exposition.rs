//! The text formats of metrics, and the choice among them.

use std::fmt;

use actix_web::http::header::{self, HeaderMap};
use prometheus_client::encoding::{prometheus_text, text};
use prometheus_client::registry::Registry;

/// A text format of metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exposition {
    /// The text format of Prometheus, version 0.0.4.
    Prometheus,
    /// OpenMetrics, version 1.0.0. It alone has exemplars.
    OpenMetrics,
}

impl Exposition {
    const OPEN_METRICS: &str = "application/openmetrics-text";

    /// Its media type.
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Prometheus => prometheus_text::CONTENT_TYPE,
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The format that the client prefers. OpenMetrics only if it is named: a client that accepts
    /// anything may be a person, or a scraper that knows only the old format.
    pub(crate) fn accepted(headers: &HeaderMap) -> Self {
        let (mut open_metrics, mut prometheus) = (0.0, 0.0);
        let values = headers.get_all(header::ACCEPT);
        let values = values.filter_map(|value| value.to_str().ok());
        for range in values.flat_map(|value| value.split(',')) {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let (mut version, mut weight) = (None, 1.0_f32);
            for parameter in parts {
                match parameter.split_once('=') {
                    Some(("q", value)) => weight = value.parse().unwrap_or(0.0),
                    Some(("version", value)) => version = Some(value.trim_matches('"')),
                    _ => {}
                }
            }
            let known = |own: &str| version.is_none_or(|version| version == own);
            if name.eq_ignore_ascii_case(Self::OPEN_METRICS) && known("1.0.0") {
                open_metrics = weight.max(open_metrics);
            } else if name.eq_ignore_ascii_case("text/plain") && known("0.0.4") {
                prometheus = weight.max(prometheus);
            }
        }
        match open_metrics > 0.0 && open_metrics >= prometheus {
            true => Self::OpenMetrics,
            false => Self::Prometheus,
        }
    }

    /// Writes the registries in this format.
    ///
    /// # Errors
    /// If a metric cannot be written.
    pub(crate) fn write(self, registries: &[&Registry]) -> Result<String, fmt::Error> {
        let mut written = String::new();
        for registry in registries {
            match self {
                Self::Prometheus => prometheus_text::encode(&mut written, registry)?,
                Self::OpenMetrics => text::encode_registry(&mut written, registry)?,
            }
        }
        if self == Self::OpenMetrics {
            text::encode_eof(&mut written)?;
        }
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn accepted(accept: &[&str]) -> Exposition {
        let mut headers = HeaderMap::new();
        for value in accept {
            headers.append(header::ACCEPT, HeaderValue::from_str(value).unwrap());
        }
        Exposition::accepted(&headers)
    }

    #[test]
    fn prometheus_gets_open_metrics() {
        for accept in [
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;\
             version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,application/\
             openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;\
             q=0.3,text/plain;version=0.0.4;q=0.2,/;q=0.1",
            "application/openmetrics-text",
            "Application/OpenMetrics-Text; charset=utf-8; version=\"1.0.0\"",
            "application/openmetrics-text, */*",
        ] {
            assert_eq!(accepted(&[accept]), Exposition::OpenMetrics, "{accept}");
        }
        let apart = ["text/plain; q=0.2", "application/openmetrics-text; q=0.3"];
        assert_eq!(accepted(&apart), Exposition::OpenMetrics);
    }

    #[test]
    fn others_get_the_prometheus_format() {
        for accept in [
            "",
            "*/*",
            "application/*",
            "text/html,application/xhtml+xml,*/*;q=0.8",
            "text/plain;version=0.0.4",
            "text/plain, application/openmetrics-text;q=0.9",
            "application/openmetrics-text;version=0.0.1",
            "application/openmetrics-text;q=0",
            "application/openmetrics-text;q=soon",
            "application/openmetrics-textual",
        ] {
            assert_eq!(accepted(&[accept]), Exposition::Prometheus, "{accept}");
        }
        assert_eq!(accepted(&[]), Exposition::Prometheus);
    }
}
