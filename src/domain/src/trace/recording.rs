//! A span that is being recorded.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Instant, SystemTime};

use super::context::TraceContext;
use super::ids::SpanId;
use super::record::{MAX_ATTRIBUTES, MAX_LINKS, SpanKind, SpanRecord, SpanSink, Value, bounded};

/// A span that is being recorded.
#[derive(Debug)]
pub(super) struct Recording {
    pub(super) sink: Arc<dyn SpanSink>,
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

    pub(super) fn change(&self, change: impl FnOnce(&mut SpanRecord)) {
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

    pub(super) fn end(&self) {
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
