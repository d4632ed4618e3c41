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

/// Jobs taken away in one transaction.
const BATCH: u32 = 100;
/// A claim that has waited so long for a slot is given to a peer.
const STUCK_AHEAD: Duration = Duration::from_secs(1);

impl Leases {
    /// Begins when the service is ready: what the run before has left is for the start to take
    /// up, which tells how much it was.
    pub(super) async fn reap_expired(&self) {
        self.phase.reached(Phase::Running).await;
        let has_peers = self.store.is_shared();
        let mut paused = false;
        loop {
            // After a pause everybody here is late, and nobody dead: they speak first.
            if !paused {
                self.renew_late().await;
                self.expire().await;
                if has_peers {
                    let until = Instant::now() + self.timings.lease;
                    hand_back(&self.pools, Which::WaitingFor(STUCK_AHEAD), until).await;
                }
            }
            let due = Instant::now() + self.timings.expire;
            sleep_until(due).await;
            paused = running_time::was_paused(due);
        }
    }

    /// Takes jobs away from workers that have not renewed their leases: never from those of this
    /// process, which is known to live.
    async fn expire(&self) {
        loop {
            let pools = self.pools.iter();
            let in_hand: Vec<JobId> = pools.flat_map(|pool| pool.claims.held()).collect();
            let expired = self.store.expire_leases(&in_hand, BATCH);
            let expired = match timeout(self.timings.lease, expired).await {
                Ok(Ok(expired)) => expired,
                // A store that fails is spoken of where claims are renewed and made.
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
