//! How long the finished jobs of a pool waited and ran, and why they failed.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use chrono::TimeDelta;
use lastcall_domain::{Job, State};

use crate::status::{DurationCounts, EndedJobs};

/// The codes that failures are told apart by; those beyond are counted as [`OTHER`].
const MAX_CODES: usize = 64;
const OTHER: &str = "other";

/// [`EndedJobs`] as they are counted.
#[derive(Debug, Default)]
pub(crate) struct EndedJobCounters {
    waited: Durations,
    ran: Durations,
    failed: Mutex<BTreeMap<String, u64>>,
}

impl EndedJobCounters {
    /// A job has ended, and its row says so.
    pub(super) fn note(&self, job: &Job) {
        if let (Some(started), Some(finished)) = (job.started_at, job.finished_at) {
            self.waited.note(started - job.created_at);
            self.ran.note(finished - started);
        }
        if job.state() == State::Failed {
            let code = job.error.as_ref().map_or(OTHER, |error| &error.code);
            let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
            let is_known = failed.len() < MAX_CODES || failed.contains_key(code);
            let code = if is_known { code } else { OTHER };
            *failed.entry(code.to_owned()).or_default() += 1;
        }
    }

    /// The figures now.
    pub(super) fn counts(&self) -> EndedJobs {
        let failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        EndedJobs {
            waited: self.waited.counts(),
            ran: self.ran.counts(),
            failed: failed.clone(),
        }
    }
}

/// [`DurationCounts`] as they are counted.
#[derive(Debug, Default)]
struct Durations {
    counts: [AtomicU64; DurationCounts::BOUNDS.len() + 1],
    micros: AtomicU64,
}

impl Durations {
    fn note(&self, span: TimeDelta) {
        // The clocks of two machines may differ.
        let span = span.to_std().unwrap_or_default();
        let bounds = DurationCounts::BOUNDS;
        let place = bounds.partition_point(|bound| *bound < span.as_secs_f64());
        self.counts[place].fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    fn counts(&self) -> DurationCounts {
        DurationCounts {
            counts: self.counts.each_ref().map(|n| n.load(Ordering::Relaxed)),
            sum_ms: self.micros.load(Ordering::Relaxed) / 1000,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_counted_at_the_first_bound_that_it_keeps_to() {
        let durations = Durations::default();
        for millis in [-5, 0, 10, 11, 3_600_000, 3_600_001] {
            durations.note(TimeDelta::milliseconds(millis));
        }
        let found = durations.counts();
        assert_eq!(found.counts[..2], [3, 1]);
        let [.., last, beyond] = found.counts;
        assert_eq!((last, beyond), (1, 1));
        assert_eq!(found.sum_ms, 7_200_022);
    }
}
