//! One claim in hand, and the reins by which its attempt is stopped.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use lastcall_domain::{Cancel, ClaimRef, Job, JobId, Progress};
use tokio::time::Instant;

use super::arbiter::Ticket;
use super::estimate::cannot_fit;
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

/// Why an attempt is to stop. The first reason counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Its caller's wish: the job ends as cancelled.
    Cancelled,
    /// Its time was over: the attempt fails.
    TimedOut,
    /// The shutdown: the job is queued again.
    HandedBack,
    /// The claim is a peer's by now, or was given up with its thread: nothing is written.
    Lost,
}

/// What stops an attempt, and says why.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reins {
    cancel: Cancel,
    why: Arc<OnceLock<Stop>>,
}

impl Reins {
    /// Tells the attempt to stop. The reason that is kept is the first.
    pub(crate) fn stop(&self, why: Stop) {
        // Refused where there is a reason already.
        let _ = self.why.set(why);
        self.cancel.cancel();
    }

    pub(crate) fn why(&self) -> Option<Stop> {
        self.why.get().copied()
    }

    pub(crate) fn cancel(&self) -> &Cancel {
        &self.cancel
    }
}

/// How far a claim has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Claimed ahead, waiting for a slot.
    Waiting,
    /// An attempt runs.
    Running,
    /// The attempt has ended; how it did is being written.
    Writing,
    /// The task that had it is gone without a word.
    Orphaned(Blame),
    /// The attempt has ended, and the row is the hand-back's to write.
    Ended,
}

/// Whose fault it is that a task is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blame {
    /// Its own: it held the thread, or panicked. It pays with an attempt.
    Own,
    /// Another's, who held the thread, or that of a part which is away. It pays nothing: it is
    /// handed back.
    Another,
    /// Anybody's. It pays with an attempt, and is a suspect.
    Unknown,
}

/// A claim in hand. It is in hand until its row is written (or known to be no longer ours) and
/// its attempt has ended, whichever comes last.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) job: Job,
    pub(crate) reins: Reins,
    pub(crate) progress: Progress,
    /// The progress that the feed was told last.
    pub(crate) told: f64,
    pub(crate) stage: Stage,
    /// The incarnation on whose arbiter the attempt runs.
    pub(crate) incarnation: u64,
    /// What the attempt has the thread of its arbiter as.
    pub(crate) ticket: Option<Ticket>,
    pub(crate) since: Instant,
    /// When the lease was last known to be renewed.
    pub(crate) renewed: Instant,
    /// The row is no longer ours to write.
    pub(crate) settled: bool,
    /// Its hand-back is under way.
    pub(crate) going: bool,
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
            reins: Reins::default(),
            progress: Progress::new(),
            told: 0.0,
            stage: Stage::Waiting,
            incarnation: 0,
            ticket: None,
            since: asked,
            renewed: asked,
            settled: false,
            going: false,
            _permit: permit,
            _turn: turn,
        }
    }

    /// Whether its row is still ours to hand back, and nobody here is at it.
    pub(crate) fn can_be_handed_back(&self) -> bool {
        !self.settled && !self.going && self.stage != Stage::Writing
    }

    /// Whether no attempt runs for it.
    pub(crate) fn is_unattended(&self) -> bool {
        matches!(self.stage, Stage::Waiting | Stage::Orphaned(_))
    }

    /// Whether its task is gone by another's fault.
    pub(crate) fn is_released(&self) -> bool {
        self.stage == Stage::Orphaned(Blame::Another)
    }

    /// Whether it has waited for a slot for so long.
    pub(crate) fn has_waited(&self, time: Duration) -> bool {
        self.stage == Stage::Waiting && self.since.elapsed() >= time
    }

    /// Whether it is known not to end within `left`.
    pub(crate) fn cannot_fit(&self, left: Duration) -> bool {
        self.stage == Stage::Running && cannot_fit(self.progress.get(), self.since.elapsed(), left)
    }
}
