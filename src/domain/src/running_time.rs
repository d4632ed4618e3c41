//! Timeouts that do not count the time in which the process is paused.
//!
//! A process that is stopped (SIGSTOP), whose container is frozen or whose machine is migrated
//! finds every timer expired when it resumes. No work ran during that time, so timeouts must not
//! count it. A deadline that somebody else enforces, such as that of a shutdown, stays on the wall
//! clock.

use std::pin::pin;
use std::time::Duration;

use tokio::time::Instant;

/// A wait that ends this much too late means that the process was paused.
pub const PAUSE: Duration = Duration::from_millis(500);
/// The longest wait that is measured at once: a pause costs less than this.
const MAX_STEP: Duration = Duration::from_secs(1);
/// The least cost of a step, so that waiting ends even if the process is paused again and again.
const MIN_COST: Duration = Duration::from_millis(1);

/// The timeout was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no end within the time")]
pub struct Elapsed;

/// Whether the process was paused, judging by a wait until `due` that has just ended.
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
        let slice = left.min(MAX_STEP);
        let began = Instant::now();
        tokio::time::sleep(slice).await;
        let cost = if was_paused(began + slice) {
            // It is unknown how much of it the process ran.
            (slice / 2).max(MIN_COST)
        } else {
            began.elapsed()
        };
        left = left.saturating_sub(cost);
    }
}

/// The output of `future`, unless the process has run for `span` before.
///
/// # Errors
/// [`Elapsed`] if it has; the future is then dropped.
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
