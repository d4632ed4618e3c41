//! Cancels and hands back jobs: at the end everything that still runs, before that the jobs known
//! not to finish in time.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::super::phase_clock::Step;
use super::Shutdown;
use crate::config::Queued;
use crate::phase::Phase;
use crate::worker::{Which, hand_back};

/// How often running work is compared with the remaining time.
const FIT_CHECK_INTERVAL: Duration = Duration::from_millis(250);
/// How often to check for a claim that was under way when the gates were closed.
const LATE_CLAIM_INTERVAL: Duration = Duration::from_millis(20);

impl Shutdown {
    /// Cancels and hands back what still runs. Returns whether there was anything.
    pub(super) async fn hand_back(&self) -> bool {
        let tree = &self.inner.tree;
        self.phase_clock().begin(Step::HandingBack);
        tree.phase.advance(Phase::HandingBack);
        let pools = tree.pools();
        let unfinished = pools.iter().any(|pool| pool.is_busy())
            || (tree.queued == Queued::Finish
                && pools.iter().any(|pool| !pool.claim_gate.is_closed()));
        for pool in &pools {
            pool.close();
            pool.claims.cancel_profile_requests();
        }
        let until = self.hand_back_end();
        loop {
            hand_back(&pools, Which::All, until).await;
            let idle = async {
                for pool in &pools {
                    pool.idle().await;
                }
            };
            // A claim that was under way when the gates were closed may still arrive.
            let next_check = (Instant::now() + LATE_CLAIM_INTERVAL).min(until);
            if timeout_at(next_check, idle).await.is_ok() || Instant::now() >= until {
                return unfinished;
            }
        }
    }

    /// Hands back, as early as possible, the jobs that will not finish in the remaining time, and
    /// those that nobody will run any more.
    pub(super) async fn hand_back_unfinishable(self) {
        let tree = &self.inner.tree;
        let end = self.at(self.inner.timeline.drain_end);
        let phase = tree.phase.watch();
        while phase.get() < Phase::HandingBack && Instant::now() < end {
            let left = end - Instant::now();
            let pools = tree.pools();
            hand_back(&pools, Which::CannotFit(left), end).await;
            for (index, (_, pool)) in tree.children.iter().enumerate() {
                let Some(pool) = pool else { continue };
                if tree.supervisor.has_failed(index) {
                    hand_back(std::slice::from_ref(pool), Which::Unattended, end).await;
                }
                if pool.estimate.mean().is_some_and(|mean| mean > left) {
                    pool.claim_gate.close();
                }
            }
            tokio::select! {
                biased;
                () = phase.reached(Phase::HandingBack) => {}
                () = sleep(FIT_CHECK_INTERVAL) => {}
            }
        }
    }
}
