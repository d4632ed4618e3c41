//! A slot, which runs one piece of work at a time.

use std::sync::Arc;

use super::Pool;
use super::arbiter::ArbiterState;

/// A busy slot; free again when it is dropped.
pub(super) struct Slot {
    pool: Arc<Pool>,
    arbiter: Arc<ArbiterState>,
    /// Fills the free slots of a pool.
    fill: fn(&Arc<Pool>, u64),
}

impl Slot {
    pub(super) fn new(
        pool: &Arc<Pool>,
        arbiter: &Arc<ArbiterState>,
        fill: fn(&Arc<Pool>, u64),
    ) -> Self {
        Self {
            pool: Arc::clone(pool),
            arbiter: Arc::clone(arbiter),
            fill,
        }
    }

    /// Gives the slot to the next work at once. Only on the arbiter that has the slots.
    pub(super) fn next(self) {
        let (pool, incarnation, fill) = (Arc::clone(&self.pool), self.incarnation(), self.fill);
        drop(self);
        fill(&pool, incarnation);
    }

    pub(super) fn incarnation(&self) -> u64 {
        self.arbiter.incarnation
    }

    pub(super) fn arbiter(&self) -> Arc<ArbiterState> {
        Arc::clone(&self.arbiter)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.pool.claims.release(self.incarnation());
        self.pool.notify_dispatcher();
    }
}
