//! Durations as reports and counters show them.

use std::time::Duration;

/// `span` in whole milliseconds.
pub(crate) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
