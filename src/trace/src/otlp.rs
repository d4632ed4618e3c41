//! OTLP messages in their JSON encoding
//! (<https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding>): ids in hexadecimal, 64-bit
//! integers as strings, enumerations as numbers.

use std::time::{SystemTime, UNIX_EPOCH};

use lastcall_domain::trace::{SpanKind, SpanRecord, TraceContext, Value};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

/// The next bit is valid.
const HAS_IS_REMOTE: u32 = 1 << 8;
/// The context comes, or may come, from another process.
const IS_REMOTE: u32 = 1 << 9;
/// `STATUS_CODE_ERROR`
const ERROR: u32 = 2;

/// An `ExportTraceServiceRequest` with these spans.
pub(crate) fn request(resource: &Json, version: &str, spans: &[SpanRecord]) -> Json {
    json!({
        "resourceSpans": [{
            "resource": resource,
            "scopeSpans": [{
                "scope": { "name": "lastcall", "version": version },
                "spans": spans.iter().map(span).collect::<Vec<_>>(),
            }],
        }],
    })
}

/// A `Resource` with these attributes.
pub(crate) fn resource(attributes: &[(&str, &str)]) -> Json {
    let attributes = attributes
        .iter()
        .map(|(key, text)| attribute(key, &Value::Text((*text).to_owned())));
    json!({ "attributes": attributes.collect::<Vec<_>>() })
}

/// The rejected spans in an `ExportTraceServiceResponse`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Response {
    partial_success: PartialSuccess,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PartialSuccess {
    rejected_spans: Json,
}

impl Response {
    /// How many spans were rejected.
    pub(crate) fn rejected(&self) -> u64 {
        match &self.partial_success.rejected_spans {
            Json::String(text) => text.parse().unwrap_or(0),
            other => other.as_u64().unwrap_or(0),
        }
    }
}

fn span(record: &SpanRecord) -> Json {
    let mut span = position(&record.context, record.parent_is_remote);
    if let Some(parent) = record.parent {
        span.insert("parentSpanId".to_owned(), parent.to_string().into());
    }
    let links = record.links.iter().map(|to| position(to, true).into());
    let attributes = record
        .attributes
        .iter()
        .map(|(key, value)| attribute(key, value));
    span.extend([
        ("name".to_owned(), json!(record.name)),
        ("kind".to_owned(), kind(record.kind).into()),
        ("startTimeUnixNano".to_owned(), nanos(record.started)),
        ("endTimeUnixNano".to_owned(), nanos(record.ended)),
        ("attributes".to_owned(), attributes.collect()),
        ("links".to_owned(), links.collect::<Vec<Json>>().into()),
    ]);
    if let Some(error) = &record.error {
        let status = json!({ "code": ERROR, "message": error });
        span.insert("status".to_owned(), status);
    }
    span.into()
}

/// The fields that a span and a link have in common. The flag is about the parent in a span, and
/// about the context itself in a link.
fn position(context: &TraceContext, is_remote: bool) -> Map<String, Json> {
    let remote = if is_remote { IS_REMOTE } else { 0 };
    let flags = u32::from(context.flags()) | HAS_IS_REMOTE | remote;
    let mut fields = Map::new();
    fields.insert("traceId".to_owned(), context.trace_id().to_string().into());
    fields.insert("spanId".to_owned(), context.span_id().to_string().into());
    fields.insert("flags".to_owned(), flags.into());
    if let Some(state) = context.state() {
        fields.insert("traceState".to_owned(), state.into());
    }
    fields
}

fn kind(kind: SpanKind) -> u32 {
    match kind {
        SpanKind::Internal => 1,
        SpanKind::Server => 2,
        SpanKind::Consumer => 5,
    }
}

fn nanos(time: SystemTime) -> Json {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    since.as_nanos().to_string().into()
}

fn attribute(key: &str, value: &Value) -> Json {
    let text = |text: &String| json!({ "stringValue": text });
    let value = match value {
        Value::Text(one) => text(one),
        Value::Texts(texts) => {
            json!({ "arrayValue": { "values": texts.iter().map(text).collect::<Vec<_>>() } })
        }
        Value::Integer(number) => json!({ "intValue": number.to_string() }),
        Value::Float(number) => json!({ "doubleValue": number }),
    };
    json!({ "key": key, "value": value })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_span_is_written_as_the_specification_says() {
        let context = |parent: &str, state| TraceContext::parse(parent, state).unwrap();
        let own = context(
            "00-5b8efff798038103d269b633813fc60c-eee19b7ec3c1b174-01",
            Some("a=1"),
        );
        let other = context(
            "00-5b8efff798038103d269b633813fc60c-eee19b7ec3c1b173-01",
            None,
        );
        let started = UNIX_EPOCH + Duration::from_nanos(1_544_712_660_000_000_000);
        let record = SpanRecord {
            name: "run sql".into(),
            kind: SpanKind::Consumer,
            parent: Some(other.span_id()),
            parent_is_remote: true,
            context: own,
            started,
            ended: started + Duration::from_secs(1),
            attributes: vec![
                ("t", "x".into()),
                ("n", 7_u32.into()),
                ("f", 0.5.into()),
                ("l", Value::Texts(vec!["x".to_owned()])),
            ],
            links: vec![other],
            error: Some("timeout".to_owned()),
        };
        let request = request(&resource(&[("service.name", "lastcall")]), "1", &[record]);
        assert_eq!(
            request,
            json!({ "resourceSpans": [{
                "resource": { "attributes": [
                    { "key": "service.name", "value": { "stringValue": "lastcall" } },
                ] },
                "scopeSpans": [{
                    "scope": { "name": "lastcall", "version": "1" },
                    "spans": [{
                        "traceId": "5b8efff798038103d269b633813fc60c",
                        "spanId": "eee19b7ec3c1b174",
                        "parentSpanId": "eee19b7ec3c1b173",
                        "traceState": "a=1",
                        "flags": 0x301,
                        "name": "run sql",
                        "kind": 5,
                        "startTimeUnixNano": "1544712660000000000",
                        "endTimeUnixNano": "1544712661000000000",
                        "attributes": [
                            { "key": "t", "value": { "stringValue": "x" } },
                            { "key": "n", "value": { "intValue": "7" } },
                            { "key": "f", "value": { "doubleValue": 0.5 } },
                            { "key": "l", "value": { "arrayValue": {
                                "values": [{ "stringValue": "x" }],
                            } } },
                        ],
                        "links": [{
                            "traceId": "5b8efff798038103d269b633813fc60c",
                            "spanId": "eee19b7ec3c1b173",
                            "flags": 0x301,
                        }],
                        "status": { "code": 2, "message": "timeout" },
                    }],
                }],
            }] })
        );
    }

    #[test]
    fn spans_that_were_not_taken_are_counted() {
        for (answer, rejected) in [
            ("{}", 0),
            (r#"{"partialSuccess":{}}"#, 0),
            (r#"{"partialSuccess":{"rejectedSpans":"3"}}"#, 3),
            (
                r#"{"partialSuccess":{"rejectedSpans":4,"errorMessage":"x"}}"#,
                4,
            ),
        ] {
            let read: Response = serde_json::from_str(answer).unwrap();
            assert_eq!(read.rejected(), rejected, "{answer}");
        }
    }
}
