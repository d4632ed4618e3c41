//! A claim held by a task.

use std::sync::Arc;

use super::Pool;
use super::claim::Key;

/// Ends a claim when its task is done; if the task is dropped earlier, the claim becomes an orphan.
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

    /// Marks the claim to be handed back, because a dependency is unavailable.
    pub(super) fn interrupted(mut self) {
        self.done = true;
        self.pool.claims.interrupt(self.key, self.incarnation);
        self.pool.notify_dispatcher();
    }
}

impl Drop for ClaimGuard {
    fn drop(&mut self) {
        if !self.done {
            self.pool.claims.orphan(self.key, self.incarnation);
            self.pool.notify_dispatcher();
        }
    }
}
