//! When the key set is fetched, and how long it is valid.

use std::time::Duration;

use tokio::time::Instant;

/// The interval between fetches.
const REFRESH_INTERVAL: Duration = Duration::from_secs(5 * 60);
/// The first wait after a failure; doubled with each further one.
const MIN_RETRY: Duration = Duration::from_secs(1);
/// The longest wait after a failure.
const MAX_RETRY: Duration = Duration::from_secs(60);
/// The shortest interval between fetches for tokens with unknown keys, which anybody can send.
const MIN_REQUEST_INTERVAL: Duration = Duration::from_secs(10);
/// How long keys are valid while the issuer does not respond.
const MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// Schedules fetches. The current time is always passed in.
#[derive(Debug, Default)]
pub(crate) struct Schedule {
    fetched_at: Option<Instant>,
    failures: u32,
    requested_at: Option<Instant>,
}

impl Schedule {
    /// Records that keys were fetched. Returns when to fetch them next.
    pub(crate) fn succeeded(&mut self, now: Instant) -> Instant {
        self.fetched_at = Some(now);
        self.failures = 0;
        now + REFRESH_INTERVAL
    }

    /// Records that a fetch failed. Returns when to try again.
    pub(crate) fn failed(&mut self, now: Instant) -> Instant {
        let doubled = MIN_RETRY.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        now + doubled.min(MAX_RETRY)
    }

    /// How many fetches have failed in a row.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// Requests an early fetch. Returns whether it is allowed.
    pub(crate) fn request(&mut self, now: Instant) -> bool {
        let allowed = self
            .requested_at
            .is_none_or(|last| now.duration_since(last) >= MIN_REQUEST_INTERVAL);
        if allowed {
            self.requested_at = Some(now);
        }
        allowed
    }

    /// Whether the keys that were fetched last are still valid.
    pub(crate) fn is_current(&self, now: Instant) -> bool {
        self.fetched_at
            .is_some_and(|at| now.duration_since(at) < MAX_AGE)
    }

    /// Discards the keys, which were those of another issuer or location.
    pub(crate) fn discard(&mut self) {
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
    fn retries_back_off_and_a_success_resets_them() {
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
    fn keys_are_valid_for_a_day_without_the_issuer_and_no_longer() {
        let mut schedule = Schedule::default();
        let now = Instant::now();
        assert!(!schedule.is_current(now), "there are none yet");
        schedule.succeeded(now);
        schedule.failed(now + secs(10));
        assert!(schedule.is_current(now + secs(86_399)));
        assert!(!schedule.is_current(now + secs(86_400)));
        schedule.discard();
        assert!(!schedule.is_current(now));
    }

    #[test]
    fn requests_fetch_the_keys_at_most_every_ten_seconds() {
        let mut schedule = Schedule::default();
        let now = Instant::now();
        let asked = [0, 1, 9, 10, 11, 19, 20].map(|at| schedule.request(now + secs(at)));
        assert_eq!(asked, [true, false, false, true, false, false, true]);
    }
}
