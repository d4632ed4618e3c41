//! A shutdown in progress in the API.

use lastcall_actors::{DrainProgress, PhaseProgress};
use serde::Serialize;
use utoipa::ToSchema;

/// A shutdown in progress.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Drain)]
pub(crate) struct DrainView {
    /// Whether a second signal cut it short.
    hurried: bool,
    /// Milliseconds since the first signal.
    elapsed_ms: u64,
    /// How long it may last, in milliseconds.
    deadline_ms: u64,
    /// How much of that is left, in milliseconds; after a second signal, less than planned.
    left_ms: u64,
    /// Requests without a complete answer; event streams of the system do not count.
    requests: usize,
    /// The phases, in their order.
    phases: Vec<DrainPhaseView>,
}

/// A phase of the shutdown.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = DrainPhase)]
struct DrainPhaseView {
    /// `lame_duck`, `draining`, `handing_back` or `closing`.
    name: &'static str,
    /// `pending`, `active`, `done`, or `skipped` if it was not needed.
    state: &'static str,
    /// How long it may last, in milliseconds.
    planned_ms: u64,
    /// How long it has lasted, in milliseconds; `null` if it has not begun.
    actual_ms: Option<u64>,
}

impl DrainView {
    pub(crate) fn new(progress: DrainProgress, requests: usize) -> Self {
        Self {
            hurried: progress.hurried,
            elapsed_ms: progress.elapsed_ms,
            deadline_ms: progress.deadline_ms,
            left_ms: progress.left_ms,
            requests,
            phases: progress.phases.into_iter().map(phase).collect(),
        }
    }
}

fn phase(progress: PhaseProgress) -> DrainPhaseView {
    DrainPhaseView {
        name: progress.name,
        state: progress.state.as_str(),
        planned_ms: progress.planned_ms,
        actual_ms: progress.actual_ms,
    }
}
