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

/// How often it is measured.
const INTERVAL: Duration = Duration::from_secs(5);
/// A measurement that may be wrong by more than this, in microseconds, is worth nothing.
const MAX_ERROR: i64 = 500_000;

/// The difference, measured now and then.
pub(super) struct ClockOffset {
    micros: Arc<AtomicI64>,
    task: AbortOnDropHandle<()>,
}

impl ClockOffset {
    /// Measures it, says so where it is large, and goes on measuring.
    pub(super) async fn watch(connections: &Arc<Connections>) -> StoreResult<Self> {
        let micros = Arc::new(AtomicI64::new(0));
        measure(connections, &micros).await?;
        let (watched, offset) = (Arc::clone(connections), Arc::clone(&micros));
        let task = tokio::spawn(async move {
            loop {
                tokio::time::sleep(INTERVAL).await;
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

    /// Measures no more.
    pub(super) fn stop(&self) {
        self.task.abort();
    }

    /// By how much the database's clock is ahead.
    pub(super) fn get(&self) -> TimeDelta {
        TimeDelta::microseconds(self.micros.load(Ordering::Relaxed))
    }
}

async fn measure(connections: &Connections, offset: &AtomicI64) -> StoreResult<()> {
    let measured = connections
        .run(|| async move {
            let mut lent = connections.lend().await?;
            // Made ready before the time counts.
            lent.query("SELECT lastcall_now()", &[]).await?;
            let before = SystemClock.now();
            let told = lent.query("SELECT lastcall_now()", &[]).await?;
            let after = SystemClock.now();
            lent.done();
            let told: Option<i64> = told.first().map(|row| row.try_get(0)).transpose()?;
            let told = told.map(codec::time).transpose()?;
            Ok(told.and_then(|told| difference(before, told, after)))
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

/// What the database's clock is ahead by, in microseconds, where that can be told.
fn difference(before: Timestamp, told: Timestamp, after: Timestamp) -> Option<i64> {
    let error = (after - before).num_microseconds()? / 2;
    if !(0..=MAX_ERROR).contains(&error) {
        return None;
    }
    let ahead = (told - before).num_microseconds()? - error;
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
