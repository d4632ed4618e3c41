//! What an attempt does when a dependency is unavailable.
//!
//! It waits until a probe of the dependency succeeds, and retries with the same claim and the same
//! attempt. If it has waited for as long as an attempt may take, or the process is about to stop,
//! its claim is handed recovered: at most an interruption, never an attempt.

use std::time::Duration;

use lastcall_domain::{Dependency, running_time};
use tokio::time::Instant;

use super::Pool;
use super::stop::StopHandle;
use crate::phase::Phase;

/// The most outages that one claim waits for. A dependency whose probe succeeds while the work
/// keeps failing on it would otherwise keep the claim busy throughout.
const MAX_ROUNDS: u32 = 8;

/// The outages that one claim has waited for.
pub(super) struct Outages {
    rounds: u32,
    left: Duration,
    /// Whether the work itself may have caused the outage, for instance by filling a disk.
    pub(super) may_be_own: bool,
}

/// What to do after an outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AfterOutage {
    /// The dependency has recovered: retry.
    Retry,
    /// It has not, and there is no time left: hand the claim back.
    HandBack,
    /// It was available to everybody else: the work is to blame.
    Blame,
    /// The attempt must stop; its stop handle says why.
    Stop,
}

impl Outages {
    pub(super) fn new(pool: &Pool) -> Self {
        Self {
            rounds: 0,
            left: pool.config.timeout,
            may_be_own: false,
        }
    }

    /// Waits until the dependency that the work failed on has recovered.
    pub(super) async fn wait_out(
        &mut self,
        pool: &Pool,
        stop_handle: &StopHandle,
        dependency: Dependency,
        detail: &str,
    ) -> AfterOutage {
        let breakers = &pool.rules.breakers;
        breakers.open(dependency, detail);
        self.rounds += 1;
        if self.rounds > MAX_ROUNDS {
            return if self.may_be_own || dependency == Dependency::Scratch {
                AfterOutage::Blame
            } else {
                AfterOutage::HandBack
            };
        }
        let began = Instant::now();
        let recovered = running_time::timeout(self.left, breakers.closed(dependency));
        let next = tokio::select! {
            biased;
            () = stop_handle.cancel().cancelled() => AfterOutage::Stop,
            () = pool.rules.phase.reached(Phase::LameDuck) => AfterOutage::HandBack,
            recovered = recovered => match recovered {
                Ok(()) => AfterOutage::Retry,
                Err(_) => AfterOutage::HandBack,
            },
        };
        self.left = self.left.saturating_sub(began.elapsed());
        next
    }
}
