//! Requests as parts of distributed traces: the caller's trace context, and the attributes of a
//! request's span, by OpenTelemetry's semantic conventions.

use std::net::IpAddr;

use actix_web::http::Method;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use lastcall_domain::trace::{Span, TraceContext, Tracer, Value};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// Frequent probes that are not interesting in traces.
const PROBES: [&str; 3] = ["/livez", "/readyz", "/metrics"];

/// Starts the span of a request. A probe is recorded only if its caller records it.
pub(crate) fn begin(tracer: &Tracer, path: &str, headers: &HeaderMap) -> Span {
    match of(headers) {
        None if PROBES.contains(&path) => Tracer::default().request(None),
        caller => tracer.request(caller),
    }
}

/// The caller's trace context; `None` if there is no valid one, and a trace begins here.
fn of(headers: &HeaderMap) -> Option<TraceContext> {
    let mut parents = headers.get_all(TRACEPARENT);
    let (Some(parent), None) = (parents.next(), parents.next()) else {
        return None;
    };
    let states: Option<Vec<&str>> = headers
        .get_all(TRACESTATE)
        .map(|state| state.to_str().ok())
        .collect();
    let states = states.map(|states| states.join(","));
    TraceContext::parse(parent.to_str().ok()?, states.as_deref()).ok()
}

/// Adds the request and the response to the span.
pub(crate) fn describe(
    span: &Span,
    method: &Method,
    route: &str,
    path: &str,
    status: u16,
    client: Option<IpAddr>,
    id: &HeaderValue,
) {
    if !span.is_recording() {
        return;
    }
    let known = matches!(
        *method,
        Method::GET
            | Method::HEAD
            | Method::POST
            | Method::PUT
            | Method::PATCH
            | Method::DELETE
            | Method::OPTIONS
    );
    let method = if known { method.as_str() } else { "_OTHER" };
    let shown = if known { method } else { "HTTP" };
    span.rename(|| format!("{shown} {route}"));
    span.set("http.request.method", || method);
    span.set("http.route", || route);
    span.set("url.path", || path);
    span.set("http.response.status_code", || u32::from(status));
    if let Some(client) = client {
        span.set("client.address", || client.to_string());
    }
    // The response always has it, the request only if the caller set one.
    span.set("http.response.header.x-request-id", || {
        let id = id.to_str().unwrap_or_default();
        Value::Texts(vec![id.to_owned()])
    });
    if status >= 500 {
        span.fail(&status.to_string());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use lastcall_domain::trace::{SpanCounts, SpanRecord, SpanSink};

    use super::*;

    #[derive(Debug)]
    struct Nowhere;

    impl SpanSink for Nowhere {
        fn take(&self, _: SpanRecord) {}

        fn counts(&self) -> SpanCounts {
            SpanCounts::default()
        }
    }

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(fields: &[(HeaderName, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(name.clone(), HeaderValue::from_str(value).unwrap());
        }
        headers
    }

    #[test]
    fn the_fields_of_a_request_are_read_together() {
        let given = headers(&[
            (TRACEPARENT, PARENT),
            (TRACESTATE, "a=1"),
            (TRACESTATE, "b=2"),
        ]);
        let context = of(&given).unwrap();
        assert_eq!(context.to_string(), PARENT);
        assert_eq!(context.state(), Some("a=1,b=2"));
    }

    #[test]
    fn probes_are_recorded_for_a_caller_who_records_them_and_no_other() {
        let tracer = Tracer::new(Arc::new(Nowhere), 1.0);
        let (none, traced) = (headers(&[]), headers(&[(TRACEPARENT, PARENT)]));
        for path in PROBES {
            assert!(!begin(&tracer, path, &none).is_recording(), "{path}");
            assert!(begin(&tracer, path, &traced).is_recording(), "{path}");
        }
        assert!(begin(&tracer, "/v1/jobs", &none).is_recording());
    }

    #[test]
    fn a_caller_without_one_valid_traceparent_is_in_no_trace() {
        for fields in [
            &[][..],
            &[(TRACESTATE, "a=1")],
            &[(TRACEPARENT, "none")],
            &[(TRACEPARENT, PARENT), (TRACEPARENT, PARENT)],
        ] {
            assert_eq!(of(&headers(fields)), None, "{fields:?}");
        }
    }
}
