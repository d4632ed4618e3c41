//! Estimates how long work takes: what to claim ahead of a free slot, and what will not finish
//! before a shutdown.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Jobs are claimed ahead for as much work as the slots finish in this time.
pub(super) const AHEAD: Duration = Duration::from_millis(20);
/// The number of attempts before the average is meaningful.
const MIN_SAMPLES: u64 = 16;
/// The weight of the newest attempt in the average, in 1/16.
const WEIGHT: u64 = 2;
/// Below this, progress says nothing about the rest: it covers opening and sniffing.
const MIN_PROGRESS: f64 = 0.05;
/// Below this, the elapsed time of an attempt says nothing.
const MIN_ELAPSED: Duration = Duration::from_millis(500);
/// The assumed error of an extrapolation: an attempt that may just finish is not given up.
const MARGIN: f64 = 1.5;

/// An exponentially weighted average of the duration of attempts.
#[derive(Debug, Default)]
pub(crate) struct Estimate {
    micros: AtomicU64,
    samples: AtomicU64,
}

impl Estimate {
    /// Adds the duration of an attempt.
    pub(crate) fn record(&self, span: Duration) {
        let span = u64::try_from(span.as_micros()).unwrap_or(u64::MAX / 16);
        let first = self.samples.fetch_add(1, Ordering::Relaxed) == 0;
        // Concurrent updates may lose a sample, which is harmless.
        let mean = self.micros.load(Ordering::Relaxed);
        let mean = if first {
            span
        } else {
            (mean * (16 - WEIGHT) + span.min(u64::MAX / 32) * WEIGHT) / 16
        };
        self.micros
            .store(mean.min(u64::MAX / 32), Ordering::Relaxed);
    }

    /// The average; `None` until there are enough samples.
    pub(crate) fn mean(&self) -> Option<Duration> {
        (self.samples.load(Ordering::Relaxed) >= MIN_SAMPLES)
            .then(|| Duration::from_micros(self.micros.load(Ordering::Relaxed)))
    }

    /// How many jobs to claim ahead of `workers` slots, at most `bound`: none while jobs take
    /// longer than [`AHEAD`], so that a peer may have them.
    pub(crate) fn ahead(&self, workers: usize, bound: usize) -> usize {
        let Some(mean) = self.mean().filter(|mean| *mean <= AHEAD) else {
            return 0;
        };
        let rounds = AHEAD.as_micros() / mean.as_micros().max(1);
        usize::try_from(rounds)
            .unwrap_or(bound)
            .saturating_mul(workers)
            .min(bound)
    }
}

/// Whether an attempt at this progress (0 to 1) after `elapsed` is known not to finish within
/// `left`.
pub(crate) fn cannot_fit(progress: f64, elapsed: Duration, left: Duration) -> bool {
    if progress < MIN_PROGRESS || elapsed < MIN_ELAPSED {
        return false;
    }
    let remaining = elapsed.as_secs_f64() * (1.0 - progress) / progress;
    remaining > left.as_secs_f64() * MARGIN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_claimed_ahead_before_the_jobs_are_known_to_be_short() {
        let estimate = Estimate::default();
        for _ in 1..MIN_SAMPLES {
            estimate.record(Duration::from_micros(10));
        }
        assert_eq!(estimate.ahead(4, 64), 0);
        estimate.record(Duration::from_micros(10));
        assert_eq!(estimate.ahead(4, 64), 64);
    }

    #[test]
    fn one_long_job_ends_claiming_ahead() {
        let estimate = Estimate::default();
        for _ in 0..100 {
            estimate.record(Duration::from_millis(1));
        }
        assert_eq!(estimate.ahead(2, 1000), 40);
        estimate.record(Duration::from_secs(10));
        assert_eq!(estimate.ahead(2, 1000), 0);
    }

    #[test]
    fn only_an_attempt_with_progress_is_known_not_to_fit() {
        let second = Duration::from_secs(1);
        assert!(!cannot_fit(0.0, 100 * second, second));
        assert!(!cannot_fit(0.5, Duration::from_millis(100), Duration::ZERO));
        assert!(!cannot_fit(0.5, 10 * second, 10 * second));
        assert!(cannot_fit(0.1, 10 * second, 10 * second));
    }
}
