//! A claim in the hand of a task.

use std::sync::Arc;

use super::Pool;
use super::claim::Key;

/// Lets go of a claim in the end; where the task is dropped before, the claim is an orphan.
pub(super) struct InHand {
    pool: Arc<Pool>,
    key: Key,
    incarnation: u64,
    done: bool,
}

impl InHand {
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
        self.pool.hands.finish(self.key, self.incarnation);
    }

    /// The claim is to be handed back: what its work depends on is away.
    pub(super) fn interrupted(mut self) {
        self.done = true;
        self.pool.hands.interrupt(self.key, self.incarnation);
        self.pool.ring();
    }
}

impl Drop for InHand {
    fn drop(&mut self) {
        if !self.done {
            self.pool.hands.orphan(self.key, self.incarnation);
            self.pool.ring();
        }
    }
}
