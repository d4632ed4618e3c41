//! Spans: begun, described, and handed to the sink when they end.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use super::context::TraceContext;
use super::ids::SpanId;
use super::scope::Scope;
use super::tracer::SpanSink;

/// The most attributes of a span; further ones are dropped.
pub const MAX_ATTRIBUTES: usize = 32;
/// The most links of a span; further ones are dropped.
pub const MAX_LINKS: usize = 8;
/// The longest text of an attribute, in bytes; the rest is cut off.
pub const MAX_TEXT: usize = 512;

/// Which side of an exchange a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// None.
    Internal,
    /// The one that answers.
    Server,
    /// The one that takes what was queued before.
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
    /// Which side of an exchange it is.
    pub kind: SpanKind,
    /// Its own position in the trace.
    pub context: TraceContext,
    /// The span that it is a part of.
    pub parent: Option<SpanId>,
    /// Whether the parent is in another process, or may be.
    pub parent_is_remote: bool,
    /// When it began.
    pub started: SystemTime,
    /// When it ended.
    pub ended: SystemTime,
    /// What else is known, by OpenTelemetry's names where it has one.
    pub attributes: Vec<(&'static str, Value)>,
    /// Spans that it has to do with.
    pub links: Vec<TraceContext>,
    /// The kind of the error that it failed with.
    pub error: Option<String>,
}

/// A span that is being recorded.
#[derive(Debug)]
pub(super) struct Recording {
    sink: Arc<dyn SpanSink>,
    started: Instant,
    /// `None` once it has ended.
    record: Mutex<Option<SpanRecord>>,
}

impl Recording {
    pub(super) fn start(
        sink: &Arc<dyn SpanSink>,
        name: Cow<'static, str>,
        kind: SpanKind,
        context: TraceContext,
        parent: Option<SpanId>,
    ) -> Arc<Self> {
        let now = SystemTime::now();
        Arc::new(Self {
            sink: Arc::clone(sink),
            started: Instant::now(),
            record: Mutex::new(Some(SpanRecord {
                name,
                kind,
                context,
                parent,
                parent_is_remote: kind != SpanKind::Internal,
                started: now,
                ended: now,
                attributes: Vec::new(),
                links: Vec::new(),
                error: None,
            })),
        })
    }

    fn change(&self, change: impl FnOnce(&mut SpanRecord)) {
        if let Some(record) = &mut *self.record.lock().unwrap_or_else(PoisonError::into_inner) {
            change(record);
        }
    }

    pub(super) fn set(&self, key: &'static str, value: impl FnOnce() -> Value) {
        self.change(|record| {
            if record.attributes.len() < MAX_ATTRIBUTES {
                record.attributes.push((key, bounded(value())));
            }
        });
    }

    pub(super) fn link(&self, to: TraceContext) {
        self.change(|record| {
            if record.links.len() < MAX_LINKS {
                record.links.push(to);
            }
        });
    }

    fn end(&self) {
        let record = self
            .record
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(mut record) = record {
            record.ended = record.started + self.started.elapsed();
            self.sink.take(record);
        }
    }
}

/// A span, which ends when this is dropped. It may record nothing.
#[derive(Debug)]
#[must_use = "a span ends when it is dropped"]
pub struct Span {
    scope: Scope,
    recording: Option<Arc<Recording>>,
}

impl Span {
    pub(super) fn new(scope: Scope) -> Self {
        Self {
            recording: scope.recording().map(Arc::clone),
            scope,
        }
    }

    /// The scope of what is a part of it.
    pub fn scope(&self) -> Scope {
        self.scope.clone()
    }

    /// Whether what is said of it is kept.
    pub fn is_recording(&self) -> bool {
        self.recording.is_some()
    }

    /// Gives it another name.
    pub fn rename(&self, name: impl FnOnce() -> String) {
        self.change(|record| record.name = name().into());
    }

    /// Adds an attribute. `value` is not called where nothing is recorded.
    pub fn set<V: Into<Value>>(&self, key: &'static str, value: impl FnOnce() -> V) {
        if let Some(recording) = &self.recording {
            recording.set(key, || value().into());
        }
    }

    /// Says that it failed, with an error of this kind, which is one of a few. Its message is not
    /// recorded: it may quote what a user sent.
    pub fn fail(&self, kind: &str) {
        self.set("error.type", || kind);
        self.change(|record| record.error = Some(cut(kind.to_owned())));
    }

    /// Runs the future as a part of it.
    pub async fn run<F: Future>(&self, work: F) -> F::Output {
        self.scope().run(work).await
    }

    fn change(&self, change: impl FnOnce(&mut SpanRecord)) {
        if let Some(recording) = &self.recording {
            recording.change(change);
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        if let Some(recording) = &self.recording {
            recording.end();
        }
    }
}

/// Begins a span that is a part of the current one. It records nothing where that does not.
pub fn child(name: &'static str) -> Span {
    let parent = Scope::current();
    let (Some(context), Some(recording)) = (parent.context(), parent.recording()) else {
        return Span {
            scope: parent,
            recording: None,
        };
    };
    let own = context.at(SpanId::random());
    let (name, kind) = (Cow::Borrowed(name), SpanKind::Internal);
    let above = Some(context.span_id());
    let recording = Recording::start(&recording.sink, name, kind, own.clone(), above);
    Span::new(Scope::new(own, parent.job(), Some(recording)))
}

fn bounded(value: Value) -> Value {
    match value {
        Value::Text(text) => Value::Text(cut(text)),
        Value::Texts(texts) => Value::Texts(texts.into_iter().map(cut).collect()),
        Value::Integer(_) | Value::Float(_) => value,
    }
}

fn cut(mut text: String) -> String {
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
