//! Bounded waiting for what another process does.

use std::time::{Duration, Instant};

/// How long anything may take on a busy machine before the test gives up on it.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(90);

/// How often is looked where nothing tells.
const LOOK: Duration = Duration::from_millis(10);

/// Looks until there is something.
///
/// # Panics
/// Where nothing comes within [`TIMEOUT`].
#[track_caller]
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + TIMEOUT;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "waited {TIMEOUT:?} in vain: {what}");
        std::thread::park_timeout(LOOK);
    }
}
