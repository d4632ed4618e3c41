//! One circuit breaker for each dependency.
//!
//! ```text
//!              work meets a fault                 it is time
//!   closed ─────────────────────────▶ open ─────────────────────▶ half open
//!     ▲                                ▲   back-off, bounded         │  │
//!     │                                └──────── the probe fails ────┘  │
//!     └───────────────────────── the probe succeeds ────────────────────┘
//! ```
//!
//! No job is claimed while any breaker is open, and an attempt that ran into the fault waits (see
//! `worker::outage`). LeaseKeeper sends the probes. The time of an outage uses up no attempt.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use lastcall_domain::Dependency;
use log::{debug, info, warn};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::backoff::backoff;
use crate::status::{BreakerState, DependencyStatus};

/// The pause before the first probe; doubled after each failure.
const MIN_PROBE_INTERVAL: Duration = Duration::from_millis(100);
/// The longest pause between two probes.
const MAX_PROBE_INTERVAL: Duration = Duration::from_secs(2);
/// A dependency that fails again this soon after its recovery keeps its probe interval.
const RELAPSE_WINDOW: Duration = Duration::from_secs(30);

/// Resumes when a dependency recovers.
pub(crate) trait Recovers: Send + Sync {
    /// Called when this dependency has recovered.
    fn dependency_is_back(&self, dependency: Dependency);
}

/// The breakers. Clones share their state.
#[derive(Clone)]
pub(crate) struct Breakers(Arc<Inner>);

struct Inner {
    state: Mutex<[Breaker; Dependency::ALL.len()]>,
    changed: watch::Sender<()>,
    waiting: Mutex<Vec<Weak<dyn Recovers>>>,
}

#[derive(Debug, Default)]
struct Breaker {
    outage: Option<Outage>,
    /// How many times it has opened.
    outages: u64,
    /// Consecutive failed probes and relapses.
    failures: u32,
    /// When the last outage ended.
    ended: Option<Instant>,
}

#[derive(Debug)]
struct Outage {
    since: Instant,
    detail: String,
    next_probe: Instant,
    probing: bool,
}

impl Breakers {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            state: Mutex::default(),
            changed: watch::Sender::new(()),
            waiting: Mutex::default(),
        }))
    }

    /// Registers a listener for recoveries.
    pub(crate) fn attach(&self, who: Weak<dyn Recovers>) {
        let mut waiting = self
            .0
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        waiting.push(who);
    }

    /// Whether every dependency is available, as far as is known.
    pub(crate) fn are_closed(&self) -> bool {
        self.lock().iter().all(|breaker| breaker.outage.is_none())
    }

    /// Opens the breaker after work ran into a fault of this dependency. The detail may name
    /// datasets and addresses, so it goes to the log only; the status shows a generic text until a
    /// probe has failed.
    pub(crate) fn open(&self, dependency: Dependency, detail: &str) {
        let now = Instant::now();
        let first = {
            let breaker = &mut self.lock()[dependency.index()];
            if breaker.outage.is_some() {
                return;
            }
            let relapse = breaker
                .ended
                .is_some_and(|ended| now - ended < RELAPSE_WINDOW);
            breaker.failures = if relapse { breaker.failures + 1 } else { 0 };
            breaker.outages += 1;
            breaker.outage = Some(Outage {
                since: now,
                detail: format!("work could not use {dependency}; see the operator's log"),
                next_probe: now + pause(breaker.failures),
                probing: false,
            });
            !relapse
        };
        if first {
            warn!("{dependency} is unavailable, claiming is paused: {detail}");
        } else {
            debug!("{dependency} unavailable again: {detail}");
        }
        self.0.changed.send_replace(());
    }

    /// Waits until the breaker of this dependency is closed.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(crate) async fn closed(&self, dependency: Dependency) {
        self.until(|breakers| breakers[dependency.index()].outage.is_none())
            .await;
    }

    /// Whether any dependency was unavailable at some time since `then`.
    pub(crate) fn opened_since(&self, then: Instant) -> bool {
        self.lock().iter().any(|breaker| {
            breaker.outage.is_some() || breaker.ended.is_some_and(|ended| ended >= then)
        })
    }

    /// Waits until this dependency must be probed.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub(crate) async fn probe_due(&self, dependency: Dependency) {
        let of = |breakers: &[Breaker]| {
            let outage = breakers[dependency.index()].outage.as_ref();
            outage.map(|outage| outage.next_probe)
        };
        self.until(|breakers| of(breakers).is_some()).await;
        let due = of(&*self.lock());
        if let Some(due) = due {
            tokio::time::sleep_until(due).await;
        }
        if let Some(outage) = &mut self.lock()[dependency.index()].outage {
            outage.probing = true;
        }
    }

    /// Records the outcome of a probe.
    pub(crate) fn probed(&self, dependency: Dependency, answer: Result<(), String>) {
        let now = Instant::now();
        let lasted = {
            let breaker = &mut self.lock()[dependency.index()];
            let Some(outage) = &mut breaker.outage else {
                return;
            };
            if let Err(detail) = answer {
                breaker.failures += 1;
                outage.detail = detail;
                outage.next_probe = now + pause(breaker.failures);
                outage.probing = false;
                return;
            }
            let lasted = now - outage.since;
            breaker.outage = None;
            breaker.ended = Some(now);
            lasted
        };
        info!("{dependency} is back after {lasted:?}");
        self.0.changed.send_replace(());
        let waiting = {
            let waiting = self
                .0
                .waiting
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            waiting.clone()
        };
        for who in waiting.iter().filter_map(Weak::upgrade) {
            who.dependency_is_back(dependency);
        }
    }

    /// The status of all breakers.
    pub(crate) fn describe(&self) -> Vec<DependencyStatus> {
        let breakers = self.lock();
        let of = |dependency: Dependency| {
            let breaker = &breakers[dependency.index()];
            let outage = breaker.outage.as_ref();
            DependencyStatus {
                name: dependency,
                breaker: match outage {
                    None => BreakerState::Closed,
                    Some(outage) if outage.probing => BreakerState::HalfOpen,
                    Some(_) => BreakerState::Open,
                },
                outages: breaker.outages,
                detail: outage.map(|outage| outage.detail.clone()),
            }
        };
        Dependency::ALL.map(of).to_vec()
    }

    async fn until(&self, holds: impl Fn(&[Breaker]) -> bool) {
        let mut changed = self.0.changed.subscribe();
        while !holds(&*self.lock()) {
            // Cannot fail: `self` owns the sender.
            let _ = changed.changed().await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, [Breaker; Dependency::ALL.len()]> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Breakers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Breakers").finish_non_exhaustive()
    }
}

fn pause(failures: u32) -> Duration {
    backoff(MIN_PROBE_INTERVAL, MAX_PROBE_INTERVAL, failures + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOBS: Dependency = Dependency::Blobs;

    fn state(breakers: &Breakers) -> BreakerState {
        breakers.describe()[BLOBS.index()].breaker
    }

    /// Probes once, with this outcome. Returns how long the probe waited.
    async fn probe(breakers: &Breakers, answer: Result<(), String>) -> Duration {
        let began = Instant::now();
        breakers.probe_due(BLOBS).await;
        assert_eq!(state(breakers), BreakerState::HalfOpen);
        breakers.probed(BLOBS, answer);
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn the_probe_interval_grows_up_to_its_bound() {
        let breakers = Breakers::new();
        assert!(breakers.are_closed());
        breakers.open(BLOBS, "gone");
        assert_eq!(state(&breakers), BreakerState::Open);
        let mut last = Duration::ZERO;
        for _ in 0..10 {
            let waited = probe(&breakers, Err("still gone".to_owned())).await;
            assert!(waited >= last && waited <= MAX_PROBE_INTERVAL + Duration::from_millis(1));
            last = waited;
        }
        assert!(last >= MAX_PROBE_INTERVAL);
        probe(&breakers, Ok(())).await;
        assert!(breakers.are_closed());
        assert_eq!(state(&breakers), BreakerState::Closed);
    }

    #[tokio::test(start_paused = true)]
    async fn a_part_that_only_its_probe_finds_is_probed_as_seldom_as_before() {
        let breakers = Breakers::new();
        let mut waited = Duration::ZERO;
        for _ in 0..6 {
            breakers.open(BLOBS, "gone");
            waited = probe(&breakers, Ok(())).await;
        }
        assert!(waited >= MAX_PROBE_INTERVAL, "{waited:?}");
        tokio::time::sleep(2 * RELAPSE_WINDOW).await;
        breakers.open(BLOBS, "gone");
        let waited = probe(&breakers, Ok(())).await;
        assert!(waited < 2 * MIN_PROBE_INTERVAL, "{waited:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_fault_of_work_stays_in_the_log_and_that_of_a_probe_is_shown() {
        let breakers = Breakers::new();
        let detail = || breakers.describe()[BLOBS.index()].detail.clone().unwrap();
        breakers.open(
            BLOBS,
            "table salaries: no answer from http://bucket.internal",
        );
        assert_eq!(detail(), "work could not use blobs; see the operator's log");
        probe(&breakers, Err("the folder is gone".to_owned())).await;
        assert_eq!(detail(), "the folder is gone");
    }

    #[tokio::test(start_paused = true)]
    async fn work_that_waits_resumes_when_the_dependency_recovers() {
        let breakers = Breakers::new();
        let before = Instant::now();
        assert!(!breakers.opened_since(before));
        breakers.open(BLOBS, "gone");
        let waits = breakers.closed(BLOBS);
        let probes = async {
            probe(&breakers, Err("still gone".to_owned())).await;
            probe(&breakers, Ok(())).await;
        };
        tokio::join!(waits, probes);
        assert!(breakers.opened_since(before));
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!breakers.opened_since(Instant::now()));
    }
}
