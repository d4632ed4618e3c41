//! Timeouts that do not count the time in which the process is paused.
//!
//! A process that is stopped (SIGSTOP), whose container is frozen or whose machine is migrated
//! finds every timer expired at once when it goes on. No work has had that time, so a timeout must
//! not be spent by it. A deadline that somebody else keeps, such as that of a shutdown, stays on
//! the wall clock.

use std::pin::pin;
use std::time::Duration;

use tokio::time::Instant;

/// A wait that ends this much later than it was to end was a pause of the process.
pub const PAUSE: Duration = Duration::from_millis(500);
/// The longest wait that is measured in one piece: a pause costs less than this.
const SLICE: Duration = Duration::from_secs(1);
/// The least that a piece costs, so that a process that is paused again and again ends it.
const MIN_COST: Duration = Duration::from_millis(1);

/// The timeout was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no end within the time")]
pub struct Elapsed;

/// Whether the process was paused, as a wait until `due` ends only now.
pub fn was_paused(due: Instant) -> bool {
    due.elapsed() > PAUSE
}

/// Waits until the process has run for `span`.
///
/// # Cancel safety
/// Dropping the future loses nothing.
pub async fn sleep(span: Duration) {
    let mut left = span;
    while !left.is_zero() {
        let slice = left.min(SLICE);
        let began = Instant::now();
        tokio::time::sleep(slice).await;
        let cost = if was_paused(began + slice) {
            // How much of it the process ran is not known: between nothing and all.
            (slice / 2).max(MIN_COST)
        } else {
            began.elapsed()
        };
        left = left.saturating_sub(cost);
    }
}

/// What `future` gives, unless the process has run for `span` before.
///
/// # Errors
/// [`Elapsed`] where it has; the future is dropped then.
///
/// # Cancel safety
/// As that of the future.
pub async fn timeout<F: Future>(span: Duration, future: F) -> Result<F::Output, Elapsed> {
    let future = pin!(future);
    tokio::select! {
        biased;
        output = future => Ok(output),
        () = sleep(span) => Err(Elapsed),
    }
}
