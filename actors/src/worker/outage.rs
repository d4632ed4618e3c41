//! What an attempt does when a dependency is unavailable.
//!
//! It waits until the part's probe succeeds, and tries again, with the same claim and the same
//! attempt. Where it has waited for as long as an attempt may take, or the process is about to
//! stop, its claim is handed back: an interruption at most, never an attempt.

use std::time::Duration;

use lastcall_domain::{Dependency, running_time};
use tokio::time::Instant;

use super::Pool;
use super::stop::StopHandle;
use crate::phase::Phase;

/// How often one claim goes on after an outage. A part whose probe succeeds while the work goes
/// on failing over it would keep the claim busy for as long as it is away.
const MAX_ROUNDS: u32 = 8;

/// The outages that one claim has waited for.
pub(super) struct Outages {
    rounds: u32,
    left: Duration,
    /// Whether the work may be what the part is away for: it may fill a disk by itself.
    pub(super) may_be_own: bool,
}

/// What is to be done after an outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// The part is back: once more.
    Retry,
    /// It is not, and no more time is to be spent on it: the claim is handed back.
    HandBack,
    /// It was there all the time, for everybody else: the work is to blame.
    Blame,
    /// The attempt is to stop; its stop handle says why.
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

    /// Waits until a part is back over which the claim's work has failed.
    pub(super) async fn outlast(
        &mut self,
        pool: &Pool,
        stop_handle: &StopHandle,
        dependency: Dependency,
        detail: &str,
    ) -> After {
        let breakers = &pool.rules.breakers;
        breakers.open(dependency, detail);
        self.rounds += 1;
        if self.rounds > MAX_ROUNDS {
            return if self.may_be_own || dependency == Dependency::Scratch {
                After::Blame
            } else {
                After::HandBack
            };
        }
        let began = Instant::now();
        let back = running_time::timeout(self.left, breakers.closed(dependency));
        let after = tokio::select! {
            biased;
            () = stop_handle.cancel().cancelled() => After::Stop,
            () = pool.rules.phase.reached(Phase::LameDuck) => After::HandBack,
            back = back => match back {
                Ok(()) => After::Retry,
                Err(_) => After::HandBack,
            },
        };
        self.left = self.left.saturating_sub(began.elapsed());
        after
    }
}
