//! Measures when each phase of a shutdown started.

use std::time::Duration;

use tokio::time::Instant;

use super::Timeline;
use super::report::PhaseTiming;
use crate::millis::millis;

/// The phases of a shutdown, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    LameDuck,
    Draining,
    HandingBack,
    Closing,
}

#[derive(Debug)]
pub(super) struct PhaseClock {
    /// When each step began; `None` for one that was not needed.
    began: [Option<Instant>; 4],
}

impl PhaseClock {
    pub(super) fn new(now: Instant) -> Self {
        let mut began = [None; 4];
        began[Step::LameDuck as usize] = Some(now);
        Self { began }
    }

    /// A step begins, unless it has begun before.
    pub(super) fn begin(&mut self, step: Step) {
        self.began[step as usize].get_or_insert_with(Instant::now);
    }

    /// The steps, planned and as they were until now.
    pub(super) fn timings(&self, timeline: &Timeline) -> Vec<PhaseTiming> {
        let now = Instant::now();
        let phases = timeline.phases().into_iter().enumerate();
        let timing = |(index, (name, planned)): (usize, (&str, Duration))| {
            let end = self.began[index + 1..].iter().flatten().next();
            let actual = self.began[index].map(|began| *end.unwrap_or(&now) - began);
            PhaseTiming {
                name: name.to_owned(),
                planned_ms: millis(planned),
                actual_ms: millis(actual.unwrap_or_default()),
            }
        };
        phases.map(timing).collect()
    }
}
