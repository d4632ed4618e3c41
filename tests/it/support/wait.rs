//! Bounded waiting for what another process does.

use std::time::{Duration, Instant};

/// How long anything may take on a busy machine before the test gives up on it.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(90);

/// How often a condition is polled.
const POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Polls until there is something.
///
/// # Panics
/// Where nothing comes within [`TIMEOUT`].
#[track_caller]
pub(crate) fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    until_within(TIMEOUT, what, look)
}

/// The same of what takes long by itself.
///
/// # Panics
/// Where nothing comes within `limit`.
#[track_caller]
pub(crate) fn until_within<T>(
    limit: Duration,
    what: &str,
    mut look: impl FnMut() -> Option<T>,
) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited {limit:?} in vain: {what}");
        std::thread::park_timeout(POLL_INTERVAL);
    }
}
