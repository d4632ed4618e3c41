//! One claim.

use std::time::Duration;

use lastcall_domain::{ClaimRef, Job, JobId, Progress};
use tokio::time::Instant;

use super::arbiter::Ticket;
use super::claim_state::{Blame, ClaimState};
use super::estimate::cannot_fit;
use super::stop::StopHandle;
use super::suspects::SuspectTurn;
use crate::gate::Permit;

/// Identifies a claim: a process may still hold an old claim of a job, not yet known to be lost,
/// while it has a new one.
pub(crate) type Key = (JobId, u64);

pub(crate) fn key(claim: ClaimRef) -> Key {
    (claim.job, claim.epoch)
}

pub(crate) fn claim_ref((job, epoch): Key) -> ClaimRef {
    ClaimRef { job, epoch }
}

/// A held claim.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) job: Job,
    pub(crate) stop_handle: StopHandle,
    pub(crate) progress: Progress,
    /// The progress that was last published.
    pub(crate) published: f64,
    pub(crate) state: ClaimState,
    /// It is about to be removed.
    pub(crate) gone: bool,
    /// The incarnation on whose arbiter the attempt runs.
    pub(crate) incarnation: u64,
    /// Identifies the attempt among the tasks of its arbiter.
    pub(crate) ticket: Option<Ticket>,
    pub(crate) since: Instant,
    /// When the lease was last known to be renewed.
    pub(crate) renewed: Instant,
    /// Returned when the claim ends. A claim that arrived after its arbiter was abandoned and the
    /// gate was closed has none.
    _permit: Option<Permit>,
    /// A suspect's turn.
    _turn: Option<SuspectTurn>,
}

impl Claim {
    pub(crate) fn new(
        job: Job,
        permit: Option<Permit>,
        turn: Option<SuspectTurn>,
        requested_at: Instant,
    ) -> Self {
        Self {
            job,
            stop_handle: StopHandle::default(),
            progress: Progress::new(),
            published: 0.0,
            state: ClaimState::new(),
            gone: false,
            incarnation: 0,
            ticket: None,
            since: requested_at,
            renewed: requested_at,
            _permit: permit,
            _turn: turn,
        }
    }

    /// Whether no attempt runs for it.
    pub(crate) fn is_unattended(&self) -> bool {
        self.state.waits() || self.state.orphaned().is_some()
    }

    /// Whether its task was lost through no fault of its own.
    pub(crate) fn is_released(&self) -> bool {
        matches!(self.state.orphaned(), Some((Blame::Another, _)))
    }

    /// Whether it has waited for a slot for this long.
    pub(crate) fn has_waited(&self, time: Duration) -> bool {
        self.state.waits() && self.since.elapsed() >= time
    }

    /// Whether it is known not to finish within `left`.
    pub(crate) fn cannot_fit(&self, left: Duration) -> bool {
        self.state.runs() && cannot_fit(self.progress.get(), self.since.elapsed(), left)
    }
}
