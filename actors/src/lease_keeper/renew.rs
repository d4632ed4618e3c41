//! Heartbeats: renews all claims of both services in one transaction.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use lastcall_domain::running_time::timeout;
use lastcall_domain::store::HeartbeatResult;
use log::{info, warn};
use tokio::time::{Instant, sleep, sleep_until};

use super::Leases;
use crate::worker::{Key, Pool, claim_ref};

/// Claims renewed in one transaction.
const BATCH: usize = 1000;
/// The shortest interval between heartbeats that hints trigger.
const EXPEDITED_INTERVAL: Duration = Duration::from_millis(100);

/// A claim to renew, and its progress.
type Due<'a> = (&'a Arc<Pool>, Key, f64);

impl Leases {
    pub(super) async fn renew(&self) {
        let mut failing = false;
        loop {
            // What was renewed within the last half of the interval can wait for the next round:
            // each lease is renewed at least every one and a half intervals.
            let age = self.timings.heartbeat / 2;
            let due = self.due(|pool| pool.claims.due_for_renewal(age));
            failing = self.heartbeat(due, failing).await;
            let next = Instant::now() + self.timings.heartbeat;
            loop {
                tokio::select! {
                    biased;
                    () = sleep_until(next) => break,
                    () = self.expedite.notified() => sleep(EXPEDITED_INTERVAL.min(self.timings.heartbeat)).await,
                }
                let changed = std::mem::take(
                    &mut *self.changed.lock().unwrap_or_else(PoisonError::into_inner),
                );
                let due = self.due(|pool| pool.claims.claims_of(&changed));
                failing = self.heartbeat(due, failing).await;
            }
        }
    }

    /// Renews the leases that are overdue.
    pub(super) async fn renew_late(&self) {
        let age = self.timings.heartbeat.max(self.timings.lease / 2);
        // A failure is logged by the regular heartbeats.
        let _ = self
            .send(&self.due(|pool| pool.claims.due_for_renewal(age)))
            .await;
    }

    fn due(&self, claims: impl Fn(&Pool) -> Vec<(Key, f64)>) -> Vec<Due<'_>> {
        let mut due = Vec::new();
        for pool in &self.pools {
            due.extend(
                claims(pool)
                    .into_iter()
                    .map(|(key, done)| (pool, key, done)),
            );
        }
        due
    }

    /// Renews these claims. Returns whether the store failed; `failing` is whether it failed the
    /// last time.
    async fn heartbeat(&self, due: Vec<Due<'_>>, failing: bool) -> bool {
        match self.send(&due).await {
            Ok(()) => {
                if failing && !due.is_empty() {
                    info!("leases are renewed again");
                }
                failing && due.is_empty()
            }
            Err(fault) => {
                if !failing {
                    warn!("cannot renew {} leases: {fault}", due.len());
                }
                true
            }
        }
    }

    async fn send(&self, due: &[Due<'_>]) -> Result<(), String> {
        for batch in due.chunks(BATCH) {
            let claims: Vec<_> = batch
                .iter()
                .map(|(_, key, done)| (claim_ref(*key), *done))
                .collect();
            let sent = Instant::now();
            let lease = self.timings.lease;
            let beats = match timeout(lease, self.store.heartbeat(&claims, lease)).await {
                Ok(Ok(beats)) => beats,
                Ok(Err(fault)) => return Err(fault.to_string()),
                Err(_) => return Err("the store is not responding".to_owned()),
            };
            for ((pool, key, _), heartbeat) in batch.iter().zip(beats) {
                record(pool, *key, heartbeat, sent);
            }
        }
        Ok(())
    }
}

fn record(pool: &Pool, key: Key, heartbeat: HeartbeatResult, sent: Instant) {
    if pool.claims.heartbeat(key, heartbeat, sent) {
        let scope = pool.claims.scope(key);
        scope.enter(|| warn!("job {}: lease lost", key.0));
        pool.counters.lost.inc();
    }
}
