//! How far a shutdown has come.

use serde::Serialize;
use tokio::time::Instant;

use super::Timeline;
use super::phase_clock::{PhaseClock, PhaseProgress};
use crate::millis::millis;

/// A snapshot of a shutdown in progress.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DrainProgress {
    /// A second signal cut it short.
    pub hurried: bool,
    /// The time since the first signal, in milliseconds.
    pub elapsed_ms: u64,
    /// How long it may last, in milliseconds.
    pub deadline_ms: u64,
    /// How much of that is left, in milliseconds; after a second signal, less than planned.
    pub left_ms: u64,
    /// The phases, in their order.
    pub phases: Vec<PhaseProgress>,
}

impl DrainProgress {
    /// A shutdown that began at `began`, of which nothing else is known yet.
    pub fn begun(began: Instant, timeline: &Timeline) -> Self {
        let deadline = began + timeline.deadline;
        Self::new(began, deadline, false, timeline, &PhaseClock::new(began))
    }

    pub(super) fn new(
        began: Instant,
        deadline: Instant,
        hurried: bool,
        timeline: &Timeline,
        clock: &PhaseClock,
    ) -> Self {
        Self {
            hurried,
            elapsed_ms: millis(began.elapsed()),
            deadline_ms: millis(timeline.deadline),
            left_ms: millis(deadline.saturating_duration_since(Instant::now())),
            phases: clock.progress(timeline),
        }
    }
}
