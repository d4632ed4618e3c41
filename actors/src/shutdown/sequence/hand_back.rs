//! Cancels and hands back jobs: at the end all that still run, before that those known not to
//! finish in time.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::super::phase_clock::Step;
use super::Shutdown;
use crate::config::Queued;
use crate::phase::Phase;
use crate::worker::{Which, hand_back};

/// How often work in hand is compared with the time that is left.
const FIT: Duration = Duration::from_millis(250);
/// How often a claim is looked for that was under way when the gates were closed.
const LOOK: Duration = Duration::from_millis(20);

impl Shutdown {
    /// Cancels and hands back what still runs. Whether there was anything.
    pub(super) async fn hand_back(&self) -> bool {
        let tree = &self.inner.tree;
        self.ledger().begin(Step::HandingBack);
        tree.phase.advance(Phase::HandingBack);
        let pools = tree.pools();
        let unfinished = pools.iter().any(|pool| pool.is_busy())
            || (tree.queued == Queued::Finish
                && pools.iter().any(|pool| !pool.claim_gate.is_closed()));
        for pool in &pools {
            pool.close();
            pool.claims.stop_asks();
        }
        let until = self.hand_back_end();
        loop {
            hand_back(&pools, Which::All, until).await;
            let idle = async {
                for pool in &pools {
                    pool.idle().await;
                }
            };
            // A claim that was under way when the gates were closed may still come in.
            let look = (Instant::now() + LOOK).min(until);
            if timeout_at(look, idle).await.is_ok() || Instant::now() >= until {
                return unfinished;
            }
        }
    }

    /// Hands back, as soon as that is known, what does not end in the time that is left, and
    /// what nobody will run any more.
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
                if tree.family.has_failed(index) {
                    hand_back(std::slice::from_ref(pool), Which::Unattended, end).await;
                }
                if pool.estimate.mean().is_some_and(|mean| mean > left) {
                    pool.claim_gate.close();
                }
            }
            tokio::select! {
                biased;
                () = phase.reached(Phase::HandingBack) => {}
                () = sleep(FIT) => {}
            }
        }
    }
}
