//! The counters of a pool.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::millis::millis;
use crate::status::Counts;

macro_rules! counters {
    ($($name:ident),* $(,)?) => {
        /// The live counters behind [`Counts`].
        #[derive(Debug, Default)]
        pub(crate) struct Counters {
            $(pub(crate) $name: Counter,)*
            busy_micros: AtomicU64,
        }

        impl Counters {
            /// The current counts.
            pub(crate) fn counts(&self) -> Counts {
                Counts {
                    $($name: self.$name.get(),)*
                    busy_ms: self.busy_micros.load(Ordering::Relaxed) / 1000,
                }
            }
        }
    };
}

counters!(
    claimed,
    succeeded,
    failed,
    retried,
    cancelled,
    handed_back,
    lost,
    refused,
    panicked,
    timed_out,
    ignored_cancel,
    asked,
);

impl Counters {
    /// Adds the duration of an attempt.
    pub(crate) fn busy(&self, span: Duration) {
        let micros = u64::try_from(span.as_micros()).unwrap_or(millis(span));
        self.busy_micros.fetch_add(micros, Ordering::Relaxed);
    }
}

/// A counter that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn inc(&self) {
        self.add(1);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
