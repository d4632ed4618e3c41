//! The bounded queue in front of the exporter's thread.

use std::sync::atomic::{AtomicU64, Ordering};

use lastcall_domain::trace::{SpanCounts, SpanRecord, SpanSink};
use tokio::sync::mpsc::{self, Receiver, Sender};

/// Spans that wait to be exported; further ones are dropped.
const CAPACITY: usize = 4_096;

/// The sending side of the queue.
#[derive(Debug)]
pub(crate) struct Queue {
    sender: Sender<SpanRecord>,
    taken: AtomicU64,
    exported: AtomicU64,
    dropped: AtomicU64,
}

impl Queue {
    pub(crate) fn new() -> (Self, Receiver<SpanRecord>) {
        let (sender, receiver) = mpsc::channel(CAPACITY);
        let queue = Self {
            sender,
            taken: AtomicU64::new(0),
            exported: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        };
        (queue, receiver)
    }

    pub(crate) fn exported(&self, spans: u64) {
        self.exported.fetch_add(spans, Ordering::Relaxed);
    }

    pub(crate) fn dropped(&self, spans: u64) {
        self.dropped.fetch_add(spans, Ordering::Relaxed);
    }

    /// Exporting has ended: drops what is left.
    pub(crate) fn end(&self) {
        let exported = self.exported.load(Ordering::Relaxed);
        let taken = self.taken.load(Ordering::Relaxed);
        self.dropped
            .fetch_max(taken.saturating_sub(exported), Ordering::Relaxed);
    }
}

impl SpanSink for Queue {
    fn take(&self, span: SpanRecord) {
        self.taken.fetch_add(1, Ordering::Relaxed);
        if self.sender.try_send(span).is_err() {
            self.dropped(1);
        }
    }

    fn counts(&self) -> SpanCounts {
        SpanCounts {
            exported: self.exported.load(Ordering::Relaxed),
            dropped: self.dropped.load(Ordering::Relaxed),
        }
    }
}
