//! When the key set is fetched, and how long it is believed.

use std::time::Duration;

use tokio::time::Instant;

/// How often the keys are fetched while all is well.
const INTERVAL: Duration = Duration::from_secs(5 * 60);
/// The first wait after a failure; it doubles with each further one.
const MIN_RETRY: Duration = Duration::from_secs(1);
/// The longest wait after a failure.
const MAX_RETRY: Duration = Duration::from_secs(60);
/// How often tokens with unknown keys may have the keys fetched. Anybody can send such tokens.
const MIN_REQUEST_INTERVAL: Duration = Duration::from_secs(10);
/// How long keys are believed while the issuer does not answer.
const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// The times of fetches. Every moment is passed in.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    fetched_at: Option<Instant>,
    failures: u32,
    requested_at: Option<Instant>,
}

impl Schedule {
    /// Notes that keys were fetched; when to fetch them next.
    pub(crate) fn succeeded(&mut self, now: Instant) -> Instant {
        self.fetched_at = Some(now);
        self.failures = 0;
        now + INTERVAL
    }

    /// Notes that a fetch failed; when to try again.
    pub(crate) fn failed(&mut self, now: Instant) -> Instant {
        let doubled = MIN_RETRY.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        now + doubled.min(MAX_RETRY)
    }

    /// How many fetches have failed since the last one that did not.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// Asks for a fetch that is not due; whether there may be one.
    pub(crate) fn request(&mut self, now: Instant) -> bool {
        let allowed = self
            .requested_at
            .is_none_or(|last| now.duration_since(last) >= MIN_REQUEST_INTERVAL);
        if allowed {
            self.requested_at = Some(now);
        }
        allowed
    }

    /// Whether the keys that were fetched last are still believed.
    pub(crate) fn is_current(&self, now: Instant) -> bool {
        self.fetched_at
            .is_some_and(|at| now.duration_since(at) < MAX_AGE)
    }

    /// Forgets the keys: they were those of another issuer, or of another place.
    pub(crate) fn forget(&mut self) {
        self.fetched_at = None;
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn secs(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_failure_is_retried_ever_later_and_a_success_begins_anew() {
        let mut schedule = Schedule::default();
        let now = Instant::now();
        let waits: Vec<u64> = (0..9)
            .map(|_| (schedule.failed(now) - now).as_secs())
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert_eq!(schedule.succeeded(now), now + secs(300));
        assert_eq!(schedule.failures(), 0);
        assert_eq!(schedule.failed(now), now + secs(1));
    }

    #[test]
    fn waits_stay_bounded_however_long_the_issuer_is_away() {
        let mut schedule = Schedule::default();
        let now = Instant::now();
        for _ in 0..100_000 {
            assert!(schedule.failed(now) <= now + MAX_RETRY);
        }
    }

    #[test]
    fn keys_are_believed_for_a_day_without_the_issuer_and_no_longer() {
        let mut schedule = Schedule::default();
        let now = Instant::now();
        assert!(!schedule.is_current(now), "there are none yet");
        schedule.succeeded(now);
        schedule.failed(now + secs(10));
        assert!(schedule.is_current(now + secs(86_399)));
        assert!(!schedule.is_current(now + secs(86_400)));
        schedule.forget();
        assert!(!schedule.is_current(now));
    }

    #[test]
    fn nobody_has_the_keys_fetched_more_often_than_every_ten_seconds() {
        let mut schedule = Schedule::default();
        let now = Instant::now();
        let asked = [0, 1, 9, 10, 11, 19, 20].map(|at| schedule.request(now + secs(at)));
        assert_eq!(asked, [true, false, false, true, false, false, true]);
    }
}
