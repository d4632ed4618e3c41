//! The lifecycle of a job, and the one function that changes it.
//!
//! ```text
//!                 Claim                     Complete (succeeded)
//!   ┌────────┐ ───────────────▶ ┌─────────┐ ───────────────────▶ ┌───────────┐
//!   │ queued │                  │ running │ ─┐                   │ succeeded │
//!   └────────┘ ◀─────────────── └─────────┘  │                   └───────────┘
//!    │   ▲   HandBack: interruption     │    │  Complete (failed for good),
//!    │   │   Unclaim: nothing           │    │  attempts or interruptions exhausted
//!    │   │   Expire: attempt, suspect   │    └──────────────────▶ ┌────────┐
//!    │   │   Complete: attempt          │                         │ failed │
//!    │   └── (worker lost: suspect) ────┘                         └────────┘
//!    │ Cancel                           │ Complete (cancelled)
//!    ▼                                  ▼
//!   ┌─────────────────────────────────────┐
//!   │              cancelled              │
//!   └─────────────────────────────────────┘
//! ```
//!
//! Every store, the in-memory one, the model checker and the tests call [`Lifecycle::apply`];
//! nothing else assigns a state. A claim starts a new epoch, and an event with an old one changes
//! nothing: this keeps a worker that lost its lease from writing.
//!
//! A job whose worker died is a suspect until an attempt ends by itself: it may have killed the
//! worker. A process runs one suspect at a time, so that the next death identifies the culprit, and
//! only the culprit uses up its attempts.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::session::after;
use crate::{InstanceId, OwnerLimits, Timestamp};

/// The state of a job.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[cfg_attr(feature = "schema", schema(as = JobState))]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Accepted, waiting for a worker.
    #[default]
    Queued,
    /// Claimed by a worker.
    Running,
    /// Ended; the result is available.
    Succeeded,
    /// Ended without a result.
    Failed,
    /// Ended because the caller cancelled it.
    Cancelled,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 5] = [
        Self::Queued,
        Self::Running,
        Self::Succeeded,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Whether it is a final state.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }

    /// The name on the wire and in the stores.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

/// The holder of a running job, and how long the claim is valid without a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The process.
    pub holder: InstanceId,
    /// When the lease expires.
    pub until: Timestamp,
}

/// The lifecycle of a job.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Lifecycle {
    /// The state.
    pub state: State,
    /// Attempts begun, without those that were handed back.
    pub attempt: u32,
    /// How often it was handed back.
    pub interruptions: u32,
    /// How often it was claimed.
    pub epoch: u64,
    /// Whether the caller cancelled it; the worker stops as soon as it learns of that.
    pub cancel_requested: bool,
    /// The lease; present exactly while it is running.
    pub lease: Option<Lease>,
    /// The earliest time of the next claim: the back-off after a failed attempt.
    pub not_before: Option<Timestamp>,
    /// Whether its last attempt ended with its worker, which it may have killed.
    pub suspect: bool,
}

/// The bounds that keep a job from circling forever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most attempts.
    pub max_attempts: u32,
    /// The most interruptions.
    pub max_interruptions: u32,
    /// What one owner may have at once.
    pub per_owner: OwnerLimits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_attempts: 3,
            max_interruptions: 20,
            per_owner: OwnerLimits::default(),
        }
    }
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ending {
    /// With a result.
    Succeeded,
    /// With an error.
    Failed {
        /// Whether to retry.
        retryable: bool,
    },
    /// With its worker, whose thread died. The attempt may have been the cause.
    WorkerLost,
    /// With its cancellation.
    Cancelled,
}

/// What happens to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A worker claims it.
    Claim {
        /// The worker's process.
        holder: InstanceId,
        /// The end of its lease.
        until: Timestamp,
    },
    /// The worker sends a heartbeat.
    Heartbeat {
        /// The epoch of its claim.
        epoch: u64,
        /// The new end of its lease.
        until: Timestamp,
    },
    /// The attempt ended.
    Complete {
        /// The epoch of its claim.
        epoch: u64,
        /// The ending.
        ending: Ending,
    },
    /// The worker hands the job back.
    HandBack {
        /// The epoch of its claim.
        epoch: u64,
    },
    /// The response to the claim reached nobody, so nothing was run under it.
    Unclaim {
        /// The epoch of the claim.
        epoch: u64,
    },
    /// The lease has expired, or the holder is known to be dead.
    Expire,
    /// The caller cancels it.
    Cancel,
}

/// The effect of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// It was claimed, with a new epoch.
    Claimed,
    /// The lease was renewed.
    Renewed,
    /// It is queued again.
    Requeued,
    /// It ended, in its final state.
    Ended(Cause),
    /// The cancellation was recorded; its worker will learn of it.
    CancelNoted,
}

/// Why a job ended, beyond its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The attempt's own end.
    Attempt,
    /// Its process died during the last attempt.
    AttemptsExhausted,
    /// It exceeded the bound on interruptions.
    InterruptionsExhausted,
    /// The caller's cancellation.
    Cancelled,
}

/// Why an event changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refused {
    /// The job has ended.
    #[error("the job has ended")]
    Ended,
    /// Another worker has it, or it is queued: the claim is no longer valid.
    #[error("the claim has been lost")]
    StaleEpoch,
    /// It cannot be claimed: it is running, or not yet due.
    #[error("the job cannot be claimed")]
    NotClaimable,
    /// It is not running.
    #[error("the job is not running")]
    NotRunning,
}

/// The first pause after a failed attempt; doubled with each further one.
const RETRY_BACKOFF: Duration = Duration::from_millis(500);
/// The longest pause after a failed attempt.
const RETRY_BACKOFF_MAX: Duration = Duration::from_secs(30);

impl Lifecycle {
    /// The lifecycle of a job that was just accepted.
    pub fn new() -> Self {
        Self::default()
    }

    /// The lifecycle of a job whose result already existed: it has succeeded, and is never claimed.
    pub fn answered() -> Self {
        Self {
            state: State::Succeeded,
            ..Self::default()
        }
    }

    /// Whether it was [`answered`](Self::answered): all other succeeded jobs were attempted.
    pub fn is_answered(&self) -> bool {
        self.state == State::Succeeded && self.attempt == 0
    }

    /// Changes the job by `event` at `now`. This is the only place where a state changes.
    ///
    /// # Errors
    /// [`Refused`] if the event does not apply; the job is then unchanged.
    pub fn apply(
        &mut self,
        event: Event,
        now: Timestamp,
        limits: &Limits,
    ) -> Result<Effect, Refused> {
        if self.state.is_final() {
            return Err(Refused::Ended);
        }
        match event {
            Event::Claim { holder, until } => {
                if self.state != State::Queued || self.not_before.is_some_and(|time| time > now) {
                    return Err(Refused::NotClaimable);
                }
                self.state = State::Running;
                self.attempt += 1;
                self.epoch += 1;
                self.not_before = None;
                self.lease = Some(Lease { holder, until });
                Ok(Effect::Claimed)
            }
            Event::Heartbeat { epoch, until } => {
                let lease = self.held(epoch)?;
                // A delayed heartbeat never shortens the lease.
                lease.until = lease.until.max(until);
                Ok(Effect::Renewed)
            }
            Event::Complete { epoch, ending } => {
                self.held(epoch)?;
                Ok(match ending {
                    Ending::Succeeded => self.end(State::Succeeded, Cause::Attempt),
                    Ending::Cancelled => self.end(State::Cancelled, Cause::Cancelled),
                    Ending::Failed { .. } | Ending::WorkerLost if self.cancel_requested => {
                        self.end(State::Cancelled, Cause::Cancelled)
                    }
                    Ending::Failed { retryable } => {
                        self.suspect = false;
                        self.retry(retryable, now, limits)
                    }
                    Ending::WorkerLost => {
                        self.suspect = true;
                        self.retry(true, now, limits)
                    }
                })
            }
            Event::HandBack { epoch } => {
                self.held(epoch)?;
                self.attempt -= 1;
                self.interruptions += 1;
                Ok(if self.cancel_requested {
                    self.end(State::Cancelled, Cause::Cancelled)
                } else if self.interruptions > limits.max_interruptions {
                    self.end(State::Failed, Cause::InterruptionsExhausted)
                } else {
                    self.requeue()
                })
            }
            Event::Unclaim { epoch } => {
                self.held(epoch)?;
                self.attempt -= 1;
                Ok(if self.cancel_requested {
                    self.end(State::Cancelled, Cause::Cancelled)
                } else {
                    self.requeue()
                })
            }
            Event::Expire => {
                if self.state != State::Running {
                    return Err(Refused::NotRunning);
                }
                self.suspect = true;
                Ok(if self.cancel_requested {
                    self.end(State::Cancelled, Cause::Cancelled)
                } else if self.attempt >= limits.max_attempts {
                    self.end(State::Failed, Cause::AttemptsExhausted)
                } else {
                    self.requeue()
                })
            }
            Event::Cancel => {
                self.cancel_requested = true;
                Ok(if self.state == State::Queued {
                    self.end(State::Cancelled, Cause::Cancelled)
                } else {
                    Effect::CancelNoted
                })
            }
        }
    }

    /// The lease, if the claim with `epoch` is still valid.
    fn held(&mut self, epoch: u64) -> Result<&mut Lease, Refused> {
        match &mut self.lease {
            Some(lease) if self.state == State::Running && self.epoch == epoch => Ok(lease),
            _ => Err(Refused::StaleEpoch),
        }
    }

    /// The attempt has failed: requeues the job, or fails it after the last attempt.
    fn retry(&mut self, retryable: bool, now: Timestamp, limits: &Limits) -> Effect {
        if retryable && self.attempt < limits.max_attempts {
            self.not_before = Some(after(now, self.backoff()));
            self.requeue()
        } else {
            self.end(State::Failed, Cause::Attempt)
        }
    }

    fn requeue(&mut self) -> Effect {
        self.state = State::Queued;
        self.lease = None;
        Effect::Requeued
    }

    fn end(&mut self, state: State, cause: Cause) -> Effect {
        self.state = state;
        self.lease = None;
        Effect::Ended(cause)
    }

    fn backoff(&self) -> Duration {
        let doublings = self.attempt.saturating_sub(1).min(16);
        RETRY_BACKOFF_MAX.min(RETRY_BACKOFF * 2_u32.pow(doublings))
    }
}
