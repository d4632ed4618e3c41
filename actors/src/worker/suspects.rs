//! Runs one suspect at a time in this process, across services: if the process dies, the culprit is
//! known.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::Pool;

/// The turn to run a suspect. Clones share their state.
#[derive(Clone, Default)]
pub(crate) struct Suspects(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    taken: bool,
    /// The pools that take turns, and whether each tried while another had the turn.
    pools: Vec<(Weak<Pool>, bool)>,
}

/// The right to run a suspect. When it is dropped, the pools fetch again.
pub(crate) struct SuspectTurn {
    inner: Arc<Inner>,
    used: bool,
}

impl Suspects {
    /// Adds a pool that takes turns.
    pub(super) fn attach(&self, pool: &Arc<Pool>) {
        self.0.lock().pools.push((Arc::downgrade(pool), false));
    }

    /// Takes the turn for this pool, if it is free. Otherwise the pool fetches again when it is.
    pub(super) fn take(&self, by: &Pool) -> Option<SuspectTurn> {
        let state = &mut *self.0.lock();
        if !std::mem::replace(&mut state.taken, true) {
            return Some(SuspectTurn {
                inner: Arc::clone(&self.0),
                used: false,
            });
        }
        for (pool, waits) in &mut state.pools {
            *waits |= std::ptr::eq(pool.as_ptr(), by);
        }
        None
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SuspectTurn {
    /// A suspect was claimed: it has the turn until this is dropped.
    pub(super) fn used(mut self) -> Self {
        self.used = true;
        self
    }
}

impl fmt::Debug for SuspectTurn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SuspectTurn").finish_non_exhaustive()
    }
}

impl Drop for SuspectTurn {
    fn drop(&mut self) {
        let state = &mut *self.inner.lock();
        state.taken = false;
        for (pool, waits) in &mut state.pools {
            // If there was no suspect, pools that found none either need not fetch again.
            if (std::mem::take(waits) || self.used)
                && let Some(pool) = pool.upgrade()
            {
                pool.fetch_soon();
            }
        }
    }
}
