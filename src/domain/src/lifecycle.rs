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
//! nothing else assigns a state. A claim starts a new epoch, and an event that carries an old
//! one changes nothing: that is how a worker that lost its lease is kept from writing.
//!
//! A job whose worker died is a suspect until an attempt ends by itself: it may be what killed
//! the worker. A process runs one suspect at a time, so that the next death tells whose fault it
//! is, and only the culprit uses up its attempts.

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
    /// In a worker's hand.
    Running,
    /// Ended; the result can be fetched.
    Succeeded,
    /// Ended without a result.
    Failed,
    /// Ended because the caller said so.
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

    /// Whether nothing will change any more.
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

/// Who has a running job in hand, and until when that is believed without a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// The process.
    pub holder: InstanceId,
    /// When a peer may take the job away.
    pub until: Timestamp,
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Lifecycle {
    /// The state.
    pub state: State,
    /// Attempts begun, those not counted that were handed back in order.
    pub attempt: u32,
    /// How often it was handed back in order.
    pub interruptions: u32,
    /// How often it was claimed.
    pub epoch: u64,
    /// The caller wants it cancelled; the worker stops as soon as it sees that.
    pub cancel_requested: bool,
    /// The lease, exactly while it is running.
    pub lease: Option<Lease>,
    /// It is not claimed before this moment: the back-off after a failed attempt.
    pub not_before: Option<Timestamp>,
    /// Its last attempt ended with its worker, and may have been the reason.
    pub suspect: bool,
}

/// The bounds that keep a job from circling forever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Attempts that may fail by their own fault.
    pub max_attempts: u32,
    /// How often a job may be handed back.
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
    /// With an error; whether another attempt may end better.
    Failed {
        /// Whether to try again.
        retryable: bool,
    },
    /// With its worker: the thread that it was on died. It may have been the reason.
    WorkerLost,
    /// Because the caller wanted it to.
    Cancelled,
}

/// What happens to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A worker takes it.
    Claim {
        /// The worker's process.
        holder: InstanceId,
        /// The end of its lease.
        until: Timestamp,
    },
    /// The worker lives.
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
        /// How.
        ending: Ending,
    },
    /// The worker stops in order and gives the job back.
    HandBack {
        /// The epoch of its claim.
        epoch: u64,
    },
    /// The answer to the claim reached nobody, so nothing was run under it.
    Unclaim {
        /// The epoch of the claim.
        epoch: u64,
    },
    /// The lease has run out, or the holder is known to be dead.
    Expire,
    /// The caller wants it cancelled.
    Cancel,
}

/// What an event did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// It is in the claimer's hand, under the new epoch.
    Claimed,
    /// The lease was renewed.
    Renewed,
    /// It is queued again.
    Requeued,
    /// It ended: the state says how.
    Ended(Cause),
    /// The wish to cancel was noted; its worker will see it.
    CancelNoted,
}

/// Why a job ended, beyond its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The attempt's own ending.
    Attempt,
    /// Its process died, and it was the last attempt that was left.
    AttemptsExhausted,
    /// It was handed back too often.
    InterruptionsExhausted,
    /// The caller's wish.
    Cancelled,
}

/// Why an event changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refused {
    /// The job has ended.
    #[error("the job has ended")]
    Ended,
    /// Another worker has it, or it waits for one: the claim is no longer the job's.
    #[error("the claim has been lost")]
    StaleEpoch,
    /// It is not to be claimed: it is running, or not yet due.
    #[error("the job cannot be claimed")]
    NotClaimable,
    /// It is not running.
    #[error("the job is not running")]
    NotRunning,
}

/// The first pause after a failed attempt; it doubles with each.
const RETRY_BACKOFF: Duration = Duration::from_millis(500);
/// The longest pause after a failed attempt.
const RETRY_BACKOFF_MAX: Duration = Duration::from_secs(30);

impl Lifecycle {
    /// A job that was just accepted.
    pub fn new() -> Self {
        Self::default()
    }

    /// A job whose result was there before it was accepted: it has succeeded, and nobody ever
    /// claims it.
    pub fn answered() -> Self {
        Self {
            state: State::Succeeded,
            ..Self::default()
        }
    }

    /// Whether it was [`answered`](Self::answered): whatever else has succeeded was attempted.
    pub fn is_answered(&self) -> bool {
        self.state == State::Succeeded && self.attempt == 0
    }

    /// Changes the job by `event` at `now`. This is the only place where a state changes.
    ///
    /// # Errors
    /// [`Refused`] where the event does not apply; the job is then as it was.
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
                // A heartbeat that was long under way never shortens the lease.
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

    /// The lease, if the claim of `epoch` still holds.
    fn held(&mut self, epoch: u64) -> Result<&mut Lease, Refused> {
        match &mut self.lease {
            Some(lease) if self.state == State::Running && self.epoch == epoch => Ok(lease),
            _ => Err(Refused::StaleEpoch),
        }
    }

    /// The attempt has failed: there is another, or this was the last.
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
