//! What heartbeats and listeners need to know about the claims.

use std::collections::BTreeSet;
use std::time::Duration;

use lastcall_domain::JobId;
use lastcall_domain::store::HeartbeatResult;
use tokio::time::Instant;

use super::super::claim::Key;
use super::super::stop::StopReason;
use super::Claims;

impl Claims {
    /// The claims to renew, with their progress: those not renewed for `age`.
    pub(crate) fn due_for_renewal(&self, age: Duration) -> Vec<(Key, f64)> {
        let state = self.lock();
        let due = state.claims.iter();
        let due =
            due.filter(|(_, claim)| claim.state.needs_lease() && claim.renewed.elapsed() >= age);
        due.map(|(key, claim)| (*key, claim.progress.get()))
            .collect()
    }

    /// The claims of these jobs, with their progress.
    pub(crate) fn claims_of(&self, jobs: &BTreeSet<JobId>) -> Vec<(Key, f64)> {
        let state = self.lock();
        let named = state.claims.iter();
        let named =
            named.filter(|((job, _), claim)| claim.state.needs_lease() && jobs.contains(job));
        named
            .map(|(key, claim)| (*key, claim.progress.get()))
            .collect()
    }

    /// What a heartbeat, sent at `sent`, found. Whether the claim was lost by it.
    pub(crate) fn beat(&self, key: Key, beat: HeartbeatResult, sent: Instant) -> bool {
        let state = &mut *self.lock();
        let Some(claim) = state.claims.get_mut(&key) else {
            return false;
        };
        match beat {
            HeartbeatResult::Held => claim.renewed = sent,
            HeartbeatResult::CancelRequested => {
                claim.renewed = sent;
                claim.stop_handle.stop(StopReason::Cancelled);
            }
            // What is being written learns it from the answer.
            HeartbeatResult::Lost if claim.state.is_being_written() || !claim.state.is_ours() => {}
            HeartbeatResult::Lost => {
                claim.stop_handle.stop(StopReason::Lost);
                state.settle(key);
                return true;
            }
        }
        false
    }

    /// The progress that has changed since this was last asked.
    pub(crate) fn news(&self) -> Vec<(JobId, f64)> {
        let mut news = Vec::new();
        for ((job, _), claim) in &mut self.lock().claims {
            let done = claim.progress.get();
            if done > claim.told && claim.state.runs() {
                claim.told = done;
                news.push((*job, done));
            }
        }
        news
    }
}
