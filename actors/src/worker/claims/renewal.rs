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

    /// Records the result of a heartbeat sent at `sent`. Returns whether the claim was lost.
    pub(crate) fn heartbeat(&self, key: Key, result: HeartbeatResult, sent: Instant) -> bool {
        let state = &mut *self.lock();
        let Some(claim) = state.claims.get_mut(&key) else {
            return false;
        };
        match result {
            HeartbeatResult::Held => claim.renewed = sent,
            HeartbeatResult::CancelRequested => {
                claim.renewed = sent;
                claim.stop_handle.stop(StopReason::Cancelled);
            }
            // A write under way finds out from its own result.
            HeartbeatResult::Lost if claim.state.is_being_written() || !claim.state.is_ours() => {}
            HeartbeatResult::Lost => {
                claim.stop_handle.stop(StopReason::Lost);
                state.settle(key);
                return true;
            }
        }
        false
    }

    /// The progress that has changed since the last call.
    pub(crate) fn take_progress(&self) -> Vec<(JobId, f64)> {
        let mut changed = Vec::new();
        for ((job, _), claim) in &mut self.lock().claims {
            let done = claim.progress.get();
            if done > claim.published && claim.state.runs() {
                claim.published = done;
                changed.push((*job, done));
            }
        }
        changed
    }
}
