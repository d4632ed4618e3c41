//! Reaps the jobs of dead workers, and returns local claims that a peer could run.

use std::time::Duration;

use lastcall_domain::JobId;
use lastcall_domain::running_time::{self, timeout};
use lastcall_domain::trace::Scope;
use log::warn;
use tokio::time::{Instant, sleep_until};

use super::Leases;
use crate::phase::Phase;
use crate::worker::{Which, hand_back};

/// Jobs requeued in one transaction.
const BATCH: u32 = 100;
/// A claim that has waited this long for a slot is handed back, so that a peer can run it.
const MAX_WAIT_AHEAD: Duration = Duration::from_secs(1);

impl Leases {
    /// Starts when the service is ready: what the previous run left is recovered, and counted, by
    /// the start.
    pub(super) async fn reap_expired(&self) {
        self.phase.reached(Phase::Running).await;
        let has_peers = self.store.is_shared();
        let mut paused = false;
        loop {
            // After a pause every lease of this process is late though nobody is dead: let the
            // heartbeats go first.
            if !paused {
                self.renew_late().await;
                self.expire().await;
                if has_peers {
                    let until = Instant::now() + self.timings.lease;
                    hand_back(&self.pools, Which::WaitingFor(MAX_WAIT_AHEAD), until).await;
                }
            }
            let due = Instant::now() + self.timings.expire;
            sleep_until(due).await;
            paused = running_time::was_paused(due);
        }
    }

    /// Requeues the jobs of workers that have not renewed their leases: never those of this
    /// process, which is known to be alive.
    async fn expire(&self) {
        loop {
            let pools = self.pools.iter();
            let in_hand: Vec<JobId> = pools.flat_map(|pool| pool.claims.held()).collect();
            let expired = self.store.expire_leases(&in_hand, BATCH);
            let expired = match timeout(self.timings.lease, expired).await {
                Ok(Ok(expired)) => expired,
                // A failing store is already logged by the heartbeats and claims.
                Ok(Err(_)) | Err(_) => return,
            };
            let count = expired.len();
            for job in expired {
                let state = job.state().as_str();
                Scope::of(&job).enter(|| warn!("job {}: lease expired, {state}", job.id));
                self.feed.changed(job.id);
                self.wake(job.service());
            }
            if count < BATCH as usize {
                return;
            }
        }
    }
}
