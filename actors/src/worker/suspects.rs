//! One suspect at a time in this process, across services: if the process dies, the culprit is
//! known.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::Pool;

/// The turn of the suspects. Every clone is the same.
#[derive(Clone, Default)]
pub(crate) struct Suspects(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    taken: bool,
    /// The pools that take turns, and whether each has asked while another had it.
    pools: Vec<(Weak<Pool>, bool)>,
}

/// The right to run a suspect. When it ends the pools look for the next one.
pub(crate) struct SuspectTurn {
    inner: Arc<Inner>,
    used: bool,
}

impl Suspects {
    /// Adds a pool that takes turns.
    pub(super) fn attach(&self, pool: &Arc<Pool>) {
        self.0.lock().pools.push((Arc::downgrade(pool), false));
    }

    /// The turn for this pool, if nobody has it. Otherwise the pool looks again when it is over.
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
    /// There is a suspect: it has the turn until this is dropped.
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
            // Where there was no suspect, those need not look who had none either.
            if (std::mem::take(waits) || self.used)
                && let Some(pool) = pool.upgrade()
            {
                pool.look_soon();
            }
        }
    }
}
