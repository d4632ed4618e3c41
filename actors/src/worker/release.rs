//! Hands claims back: all of them, of every pool, in one transaction.

use std::sync::Arc;
use std::time::Duration;

use lastcall_domain::store::WriteResult;
use lastcall_domain::trace::Scope;
use lastcall_domain::{ClaimRef, State};
use log::{info, warn};
use tokio::time::{Instant, sleep, timeout_at};

use super::Pool;
use super::claim::{Claim, Key, claim_ref};

/// The pause after a failure of the store.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// Which claims to hand back.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Which {
    /// All that are not being written.
    All,
    /// Those that are known not to finish within this time.
    CannotFit(Duration),
    /// Those that have waited for a slot for this long.
    WaitingFor(Duration),
    /// Those without an attempt, because their service will not be restarted.
    Unattended,
    /// Those whose task was lost through no fault of its own.
    Released,
}

impl Which {
    fn selects(self, claim: &Claim) -> bool {
        match self {
            Self::All => true,
            Self::CannotFit(left) => claim.cannot_fit(left),
            Self::WaitingFor(time) => claim.has_waited(time),
            Self::Unattended => claim.is_unattended(),
            Self::Released => claim.is_released(),
        }
    }
}

/// Stops the attempts at the claims that `which` selects, and hands the claims back. Retries until
/// `until`; what the store has not taken by then stays held, and is left to its lease.
///
/// Returns before the attempts have ended: peers wait only for the rows.
pub(crate) async fn hand_back(pools: &[Arc<Pool>], which: Which, until: Instant) {
    let mut releasing = Releasing(Vec::new());
    for pool in pools {
        let keys = pool.claims.stop_for_hand_back(|claim| which.selects(claim));
        releasing.0.extend(keys.into_iter().map(|key| (pool, key)));
    }
    let Some((first, _)) = releasing.0.first() else {
        return;
    };
    let claims: Vec<ClaimRef> = releasing.0.iter().map(|(_, key)| claim_ref(*key)).collect();
    let store = &first.ports.store;
    let mut repeated = false;
    loop {
        let fault = match timeout_at(until, store.hand_back(&claims)).await {
            Ok(Ok(results)) => {
                for ((pool, key), result) in releasing.0.iter().zip(results) {
                    pool.handed_back(*key, result, repeated);
                }
                return;
            }
            // Retried even if the store refuses permanently: the time bounds it.
            Ok(Err(fault)) => fault.to_string(),
            Err(_) => "the store is not responding".to_owned(),
        };
        if Instant::now() + RETRY_PAUSE >= until {
            warn!("cannot hand back {} jobs: {fault}", claims.len());
            return;
        }
        repeated = true;
        sleep(RETRY_PAUSE).await;
    }
}

/// The claims of one hand-back, which no other may select meanwhile: its write would be rejected
/// and the claim taken for lost.
struct Releasing<'a>(Vec<(&'a Arc<Pool>, Key)>);

impl Drop for Releasing<'_> {
    fn drop(&mut self) {
        for (pool, key) in &self.0 {
            if pool.claims.stays(*key) {
                pool.notify_dispatcher();
            }
        }
    }
}

impl Pool {
    fn handed_back(&self, key: Key, result: WriteResult, repeated: bool) {
        match result {
            Ok(job) => {
                let counter = match job.state() {
                    State::Cancelled => &self.counters.cancelled,
                    State::Failed => &self.counters.failed,
                    _ => &self.counters.handed_back,
                };
                self.claims.settle_with(key, || counter.inc());
                if job.state().is_final() {
                    self.ports.observer.ended(&job);
                } else {
                    Scope::of(&job).enter(|| info!("job {} handed back", job.id));
                    self.claimable_at(&job);
                }
                self.ports.feed.changed(job.id);
            }
            // The first try succeeded, and its response was lost.
            Err(_) if repeated => {
                let counter = &self.counters.handed_back;
                self.claims.settle_with(key, || counter.inc());
            }
            Err(refused) => {
                self.refused(key, refused);
                self.claims.settle(key);
            }
        }
    }
}
