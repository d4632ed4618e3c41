//! Time is injected, so that a TTL of a day is tested in milliseconds.

use chrono::{DateTime, DurationRound, TimeDelta, Utc};

/// A point in time, UTC, in microseconds (which every store keeps without loss).
pub type Timestamp = DateTime<Utc>;

/// A source of wall-clock time.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        to_micros(Utc::now())
    }
}

/// A clock that follows tokio's: if the runtime's time is paused, it stops, and advances with every
/// `tokio::time::advance`.
#[derive(Clone, Copy, Debug)]
pub struct TokioClock {
    epoch: Timestamp,
    start: tokio::time::Instant,
}

impl TokioClock {
    /// A clock that shows `epoch` now.
    pub fn starting_at(epoch: Timestamp) -> Self {
        Self {
            epoch: to_micros(epoch),
            start: tokio::time::Instant::now(),
        }
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        let elapsed = TimeDelta::from_std(self.start.elapsed()).unwrap_or(TimeDelta::MAX);
        self.epoch
            .checked_add_signed(elapsed)
            .map_or(DateTime::<Utc>::MAX_UTC, to_micros)
    }
}

fn to_micros(time: Timestamp) -> Timestamp {
    time.duration_trunc(TimeDelta::microseconds(1))
        .unwrap_or(time)
}
