//! A claim held by a task.

use std::sync::Arc;

use super::Pool;
use super::claim::Key;

/// Lets go of a claim in the end; where the task is dropped before, the claim is an orphan.
pub(super) struct ClaimGuard {
    pool: Arc<Pool>,
    key: Key,
    incarnation: u64,
    done: bool,
}

impl ClaimGuard {
    pub(super) fn new(pool: &Arc<Pool>, key: Key, incarnation: u64) -> Self {
        Self {
            pool: Arc::clone(pool),
            key,
            incarnation,
            done: false,
        }
    }

    pub(super) fn done(mut self) {
        self.done = true;
        self.pool.claims.finish(self.key, self.incarnation);
    }

    /// The claim is to be handed back: what its work depends on is away.
    pub(super) fn interrupted(mut self) {
        self.done = true;
        self.pool.claims.interrupt(self.key, self.incarnation);
        self.pool.ring();
    }
}

impl Drop for ClaimGuard {
    fn drop(&mut self) {
        if !self.done {
            self.pool.claims.orphan(self.key, self.incarnation);
            self.pool.ring();
        }
    }
}
