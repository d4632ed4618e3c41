//! The bounded record of a finished span, and its sink.

use std::borrow::Cow;
use std::fmt;
use std::time::SystemTime;

use super::context::TraceContext;
use super::ids::SpanId;

/// The most attributes of a span; further ones are dropped.
pub const MAX_ATTRIBUTES: usize = 32;
/// The most links of a span; further ones are dropped.
pub const MAX_LINKS: usize = 8;
/// The longest text of an attribute, in bytes; the rest is cut off.
pub const MAX_TEXT: usize = 512;

/// The role of a span.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// None.
    Internal,
    /// The server of a request.
    Server,
    /// The consumer of a queued message.
    Consumer,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A text.
    Text(String),
    /// Several texts.
    Texts(Vec<String>),
    /// A whole number.
    Integer(i64),
    /// Another number.
    Float(f64),
}

/// A span that has ended.
#[derive(Clone, Debug, PartialEq)]
pub struct SpanRecord {
    /// What was done, from a small set of names.
    pub name: Cow<'static, str>,
    /// Its role.
    pub kind: SpanKind,
    /// Its own position in the trace.
    pub context: TraceContext,
    /// Its parent.
    pub parent: Option<SpanId>,
    /// Whether the parent is in another process, or may be.
    pub parent_is_remote: bool,
    /// When it began.
    pub started: SystemTime,
    /// When it ended.
    pub ended: SystemTime,
    /// Its attributes, with OpenTelemetry's names where those exist.
    pub attributes: Vec<(&'static str, Value)>,
    /// Related spans.
    pub links: Vec<TraceContext>,
    /// The kind of the error that it failed with.
    pub error: Option<String>,
}

/// A sink for finished spans. Its methods never block or fail: what cannot be kept is dropped and
/// counted.
pub trait SpanSink: fmt::Debug + Send + Sync {
    /// Takes a span.
    fn take(&self, span: SpanRecord);

    /// The fate of the spans so far.
    fn counts(&self) -> SpanCounts;
}

/// The fate of spans since the process started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SpanCounts {
    /// Accepted by the collector.
    pub exported: u64,
    /// Dropped: there was no room, or the collector did not accept them.
    pub dropped: u64,
}

/// The value, with texts cut to [`MAX_TEXT`].
pub(super) fn bounded(value: Value) -> Value {
    match value {
        Value::Text(text) => Value::Text(cut(text)),
        Value::Texts(texts) => Value::Texts(texts.into_iter().map(cut).collect()),
        Value::Integer(_) | Value::Float(_) => value,
    }
}

/// The text, cut to the length that a span keeps.
pub(super) fn cut(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(MAX_TEXT));
    text
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}
