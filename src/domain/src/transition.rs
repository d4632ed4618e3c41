//! The effect of an event on a whole job: its lifecycle by [`Lifecycle::apply`], and the times,
//! progress and error that follow. Every store changes jobs through these.

use std::time::Duration;

use crate::lifecycle::{Cause, Effect, Event};
use crate::session::after;
use crate::store::{HeartbeatResult, Outcome};
use crate::{ClaimRef, InstanceId, Job, JobError, Limits, Refused, State, Timestamp};

/// The error code of a job whose last attempt ended with the death of its process.
pub const ATTEMPTS_EXHAUSTED: &str = "attempts_exhausted";
/// The error code of a job that exceeded the bound on interruptions.
pub const INTERRUPTIONS_EXHAUSTED: &str = "interruptions_exhausted";

impl Job {
    /// Claims the job for a worker, until `lease` from `now`.
    ///
    /// # Errors
    /// As [`Lifecycle::apply`](crate::Lifecycle::apply); the job is then unchanged.
    pub fn take(
        &mut self,
        holder: InstanceId,
        lease: Duration,
        now: Timestamp,
        limits: &Limits,
    ) -> Result<Effect, Refused> {
        let until = after(now, lease);
        let effect = self.apply(Event::Claim { holder, until }, now, limits)?;
        self.started_at = Some(now);
        Ok(effect)
    }

    /// Renews the lease, and records the progress.
    pub fn heartbeat(
        &mut self,
        claim: ClaimRef,
        progress: f64,
        lease: Duration,
        now: Timestamp,
        limits: &Limits,
    ) -> HeartbeatResult {
        let event = Event::Heartbeat {
            epoch: claim.epoch,
            until: after(now, lease),
        };
        if self.apply(event, now, limits).is_err() {
            return HeartbeatResult::Lost;
        }
        if (0.0..=1.0).contains(&progress) {
            self.progress = self.progress.max(progress);
        }
        if self.lifecycle.cancel_requested {
            HeartbeatResult::CancelRequested
        } else {
            HeartbeatResult::Held
        }
    }

    /// Ends the worker's claim. The store must keep the result if the job has succeeded.
    ///
    /// # Errors
    /// As [`Lifecycle::apply`](crate::Lifecycle::apply); the job is then unchanged.
    pub fn complete(
        &mut self,
        claim: ClaimRef,
        outcome: &Outcome,
        now: Timestamp,
        limits: &Limits,
    ) -> Result<Effect, Refused> {
        let event = Event::Complete {
            epoch: claim.epoch,
            ending: outcome.ending(),
        };
        let effect = self.apply(event, now, limits)?;
        if let (Outcome::Failed(error) | Outcome::WorkerLost(error), State::Failed) =
            (outcome, self.state())
        {
            // There is no other attempt, so the row does not keep whether one would help.
            self.error = Some(JobError {
                retryable: false,
                unavailable: None,
                ..error.clone()
            });
        }
        Ok(effect)
    }

    /// Hands the job back.
    ///
    /// # Errors
    /// As [`Lifecycle::apply`](crate::Lifecycle::apply); the job is then unchanged.
    pub fn hand_back(
        &mut self,
        claim: ClaimRef,
        now: Timestamp,
        limits: &Limits,
    ) -> Result<Effect, Refused> {
        let epoch = claim.epoch;
        self.apply(Event::HandBack { epoch }, now, limits)
    }

    /// Undoes an unconfirmed claim, as if it had never been made.
    ///
    /// # Errors
    /// As [`Lifecycle::apply`](crate::Lifecycle::apply); the job is then unchanged.
    pub fn unclaim(
        &mut self,
        claim: ClaimRef,
        now: Timestamp,
        limits: &Limits,
    ) -> Result<Effect, Refused> {
        let epoch = claim.epoch;
        self.apply(Event::Unclaim { epoch }, now, limits)
    }

    /// Expires the lease of the job.
    ///
    /// # Errors
    /// As [`Lifecycle::apply`](crate::Lifecycle::apply); the job is then unchanged.
    pub fn expire(&mut self, now: Timestamp, limits: &Limits) -> Result<Effect, Refused> {
        self.apply(Event::Expire, now, limits)
    }

    /// Cancels the job, or requests that of its worker.
    ///
    /// # Errors
    /// As [`Lifecycle::apply`](crate::Lifecycle::apply); the job is then unchanged.
    pub fn cancel(&mut self, now: Timestamp, limits: &Limits) -> Result<Effect, Refused> {
        self.apply(Event::Cancel, now, limits)
    }

    fn apply(&mut self, event: Event, now: Timestamp, limits: &Limits) -> Result<Effect, Refused> {
        let effect = self.lifecycle.apply(event, now, limits)?;
        match effect {
            Effect::Claimed | Effect::Requeued => self.progress = 0.0,
            Effect::Renewed | Effect::CancelNoted => {}
            Effect::Ended(cause) => {
                self.finished_at = Some(now);
                if self.state() == State::Succeeded {
                    self.progress = 1.0;
                }
                self.error = exhausted(cause, limits);
            }
        }
        Ok(effect)
    }
}

/// The error of a job that has used up its attempts or interruptions.
fn exhausted(cause: Cause, limits: &Limits) -> Option<JobError> {
    match cause {
        Cause::Attempt | Cause::Cancelled => None,
        Cause::AttemptsExhausted => Some(JobError::permanent(
            ATTEMPTS_EXHAUSTED,
            format!(
                "the process that ran the job died or hung, in the last of {} attempts",
                limits.max_attempts
            ),
        )),
        Cause::InterruptionsExhausted => Some(JobError::permanent(
            INTERRUPTIONS_EXHAUSTED,
            format!(
                "the job was handed back more than {} times: it does not fit between two \
                 shutdowns, or each time a part that it needs was away; raise \
                 `shutdown.deadline` or make it smaller",
                limits.max_interruptions
            ),
        )),
    }
}
