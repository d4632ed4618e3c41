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

/// Names a claim: a process may have an old claim of a job in hand, not yet known to be lost,
/// while it has a new one.
pub(crate) type Key = (JobId, u64);

pub(crate) fn key(claim: ClaimRef) -> Key {
    (claim.job, claim.epoch)
}

pub(crate) fn claim_ref((job, epoch): Key) -> ClaimRef {
    ClaimRef { job, epoch }
}

/// A claim in hand.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) job: Job,
    pub(crate) stop_handle: StopHandle,
    pub(crate) progress: Progress,
    /// The progress that the feed was told last.
    pub(crate) told: f64,
    pub(crate) state: ClaimState,
    /// It is about to be let go of.
    pub(crate) gone: bool,
    /// The incarnation on whose arbiter the attempt runs.
    pub(crate) incarnation: u64,
    /// What the attempt has the thread of its arbiter as.
    pub(crate) ticket: Option<Ticket>,
    pub(crate) since: Instant,
    /// When the lease was last known to be renewed.
    pub(crate) renewed: Instant,
    /// Given back when the claim is no longer in hand. A claim that came so late that its arbiter
    /// had been given up, and the gate was closed, has none.
    _permit: Option<Permit>,
    /// A suspect's turn.
    _turn: Option<SuspectTurn>,
}

impl Claim {
    pub(crate) fn new(
        job: Job,
        permit: Option<Permit>,
        turn: Option<SuspectTurn>,
        asked: Instant,
    ) -> Self {
        Self {
            job,
            stop_handle: StopHandle::default(),
            progress: Progress::new(),
            told: 0.0,
            state: ClaimState::new(),
            gone: false,
            incarnation: 0,
            ticket: None,
            since: asked,
            renewed: asked,
            _permit: permit,
            _turn: turn,
        }
    }

    /// Whether no attempt runs for it.
    pub(crate) fn is_unattended(&self) -> bool {
        self.state.waits() || self.state.orphaned().is_some()
    }

    /// Whether its task is gone by another's fault.
    pub(crate) fn is_released(&self) -> bool {
        matches!(self.state.orphaned(), Some((Blame::Another, _)))
    }

    /// Whether it has waited for a slot for so long.
    pub(crate) fn has_waited(&self, time: Duration) -> bool {
        self.state.waits() && self.since.elapsed() >= time
    }

    /// Whether it is known not to end within `left`.
    pub(crate) fn cannot_fit(&self, left: Duration) -> bool {
        self.state.runs() && cannot_fit(self.progress.get(), self.since.elapsed(), left)
    }
}
