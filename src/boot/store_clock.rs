//! The clock of a store that several processes share.

use std::fmt;
use std::sync::Arc;

use chrono::TimeDelta;
use lastcall_domain::store::CLOCK_TOLERANCE;
use lastcall_domain::{Clock, Store, SystemClock, Timestamp};

/// The clock of this machine, corrected if it is far from the store's. Small differences stay:
/// correcting them again and again would make the time jitter.
pub(super) struct StoreClock(Arc<dyn Store>);

impl StoreClock {
    pub(super) fn new(store: &Arc<dyn Store>) -> Self {
        Self(Arc::clone(store))
    }
}

impl Clock for StoreClock {
    fn now(&self) -> Timestamp {
        let (now, offset) = (SystemClock.now(), self.0.clock_offset());
        let offset = if offset.abs() > CLOCK_TOLERANCE {
            offset
        } else {
            TimeDelta::zero()
        };
        now.checked_add_signed(offset).unwrap_or(now)
    }
}

impl fmt::Debug for StoreClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreClock")
    }
}
