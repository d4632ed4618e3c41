//! The offset of the database's clock. The database decides when sessions and leases expire.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::TimeDelta;
use lastcall_domain::store::clock_difference;
use lastcall_domain::{Clock as _, StoreError, StoreResult, SystemClock, Timestamp};
use tokio_util::task::AbortOnDropHandle;

use super::pool::Connections;
use crate::codec;

/// How often the offset is measured.
const MEASURE_INTERVAL: Duration = Duration::from_secs(5);
/// Measurements with a larger possible error than this, in microseconds, are discarded.
const MAX_ERROR: i64 = 500_000;

/// The offset, measured periodically.
pub(super) struct ClockOffset {
    micros: Arc<AtomicI64>,
    task: AbortOnDropHandle<()>,
}

impl ClockOffset {
    /// Measures the offset now and periodically, and warns if it is large.
    pub(super) async fn watch(connections: &Arc<Connections>) -> StoreResult<Self> {
        let micros = Arc::new(AtomicI64::new(0));
        measure(connections, &micros).await?;
        let (watched, offset) = (Arc::clone(connections), Arc::clone(&micros));
        let task = tokio::spawn(async move {
            loop {
                tokio::time::sleep(MEASURE_INTERVAL).await;
                match measure(&watched, &offset).await {
                    Ok(()) => {}
                    Err(StoreError::Closed) => return,
                    Err(error) => log::debug!("the clocks cannot be compared: {error}"),
                }
            }
        });
        Ok(Self {
            micros,
            task: AbortOnDropHandle::new(task),
        })
    }

    /// Stops measuring.
    pub(super) fn stop(&self) {
        self.task.abort();
    }

    /// How far the database's clock is ahead.
    pub(super) fn get(&self) -> TimeDelta {
        TimeDelta::microseconds(self.micros.load(Ordering::Relaxed))
    }
}

async fn measure(connections: &Connections, offset: &AtomicI64) -> StoreResult<()> {
    let measured = connections
        .run(|| async move {
            let mut conn = connections.acquire().await?;
            // Prepared before the measurement starts.
            conn.query("SELECT lastcall_now()", &[]).await?;
            let before = SystemClock.now();
            let database = conn.query("SELECT lastcall_now()", &[]).await?;
            let after = SystemClock.now();
            conn.done();
            let database: Option<i64> = database.first().map(|row| row.try_get(0)).transpose()?;
            let database = database.map(codec::time).transpose()?;
            Ok(database.and_then(|database| difference(before, database, after)))
        })
        .await?;
    let Some(measured) = measured else {
        return Ok(());
    };
    let known = offset.swap(measured, Ordering::Relaxed);
    let differs = |micros| clock_difference(TimeDelta::microseconds(micros));
    if let Some(difference) = differs(measured)
        && differs(known).is_none()
    {
        log::warn!("{difference}");
    }
    Ok(())
}

/// How far the database's clock is ahead, in microseconds, if that can be determined.
fn difference(before: Timestamp, database: Timestamp, after: Timestamp) -> Option<i64> {
    let error = (after - before).num_microseconds()? / 2;
    if !(0..=MAX_ERROR).contains(&error) {
        return None;
    }
    let ahead = (database - before).num_microseconds()? - error;
    Some(if ahead.abs() <= error { 0 } else { ahead })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_difference_that_the_trip_explains_is_none() {
        let at = |ms: i64| Timestamp::from_timestamp_millis(1_000_000 + ms).unwrap();
        assert_eq!(difference(at(0), at(3_010), at(20)), Some(3_000_000));
        assert_eq!(difference(at(0), at(-3_000), at(0)), Some(-3_000_000));
        assert_eq!(difference(at(0), at(15), at(20)), Some(0));
        assert_eq!(difference(at(0), at(15), at(2_000)), None);
        assert_eq!(difference(at(10), at(15), at(0)), None);
    }
}
