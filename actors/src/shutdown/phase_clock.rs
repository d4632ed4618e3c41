//! Measures when each phase of a shutdown started.

use std::cmp::Ordering;
use std::time::Duration;

use serde::Serialize;
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

/// A phase, planned and actual.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PhaseProgress {
    /// Its name.
    pub name: &'static str,
    /// Whether it is over.
    pub state: PhaseState,
    /// Its planned maximum, in milliseconds.
    pub planned_ms: u64,
    /// How long it has lasted, in milliseconds; `None` if it has not begun.
    pub actual_ms: Option<u64>,
}

/// The state of a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PhaseState {
    /// It has not begun.
    Pending,
    /// It is in progress.
    Active,
    /// It is over.
    Done,
    /// It was not needed.
    Skipped,
}

impl PhaseState {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Active => "active",
            Self::Done => "done",
            Self::Skipped => "skipped",
        }
    }
}

/// When each phase of a shutdown started.
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

    /// Starts a step, unless it has already started.
    pub(super) fn begin(&mut self, step: Step) {
        self.began[step as usize].get_or_insert_with(Instant::now);
    }

    /// The steps, planned and actual.
    pub(super) fn timings(&self, timeline: &Timeline) -> Vec<PhaseTiming> {
        let phases = timeline.phases().into_iter().zip(self.actual());
        let timing =
            |((name, planned), actual): ((&str, Duration), Option<Duration>)| PhaseTiming {
                name: name.to_owned(),
                planned_ms: millis(planned),
                actual_ms: millis(actual.unwrap_or_default()),
            };
        phases.map(timing).collect()
    }

    /// The progress of the steps.
    pub(super) fn progress(&self, timeline: &Timeline) -> Vec<PhaseProgress> {
        let latest = self.began.iter().rposition(Option::is_some).unwrap_or(0);
        let actual = self.actual();
        let state = |index: usize| match index.cmp(&latest) {
            Ordering::Greater => PhaseState::Pending,
            Ordering::Equal => PhaseState::Active,
            Ordering::Less if actual[index].is_some() => PhaseState::Done,
            Ordering::Less => PhaseState::Skipped,
        };
        let phases = timeline.phases().into_iter().enumerate();
        let progress = |(index, (name, planned))| PhaseProgress {
            name,
            state: state(index),
            planned_ms: millis(planned),
            actual_ms: actual[index].map(millis),
        };
        phases.map(progress).collect()
    }

    /// How long each step has lasted until now; `None` for one that has not begun.
    fn actual(&self) -> [Option<Duration>; 4] {
        let now = Instant::now();
        std::array::from_fn(|index| {
            let end = self.began[index + 1..].iter().flatten().next();
            self.began[index].map(|began| *end.unwrap_or(&now) - began)
        })
    }
}
