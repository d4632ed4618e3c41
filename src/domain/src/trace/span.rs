//! Spans: started, described, and sent to the sink when they end.

use std::borrow::Cow;
use std::sync::Arc;

use super::ids::{SpanId, TraceId};
use super::record::{SpanKind, SpanRecord, Value, cut};
use super::recording::Recording;
use super::scope::Scope;

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

    /// The scope of its children.
    pub fn scope(&self) -> Scope {
        self.scope.clone()
    }

    /// Its trace, if that is recorded: by this process, or by its caller.
    pub fn sampled_trace_id(&self) -> Option<TraceId> {
        self.scope.sampled_trace_id()
    }

    /// Whether it is recorded.
    pub fn is_recording(&self) -> bool {
        self.recording.is_some()
    }

    /// Gives it another name.
    pub fn rename(&self, name: impl FnOnce() -> String) {
        self.change(|record| record.name = name().into());
    }

    /// Adds an attribute. `value` is not called if nothing is recorded.
    pub fn set<V: Into<Value>>(&self, key: &'static str, value: impl FnOnce() -> V) {
        if let Some(recording) = &self.recording {
            recording.set(key, || value().into());
        }
    }

    /// Records that it failed, with an error of this kind, which must be one of a few. The message
    /// is not recorded: it may quote a user's input.
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

/// Starts a child of the current span. It is recorded if the parent is.
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
