//! Computes a requested profile.

use std::sync::Arc;

use super::Pool;
use super::profile_request::ProfileRequest;
use super::slot::Slot;

/// Gives the permit back, also where the task is dropped.
struct Answered {
    pool: Arc<Pool>,
    id: u64,
}

impl Drop for Answered {
    fn drop(&mut self) {
        self.pool.claims.answered(self.id);
    }
}

pub(super) async fn answer(pool: Arc<Pool>, id: u64, ask: ProfileRequest, slot: Slot) {
    let answered = Answered {
        pool: Arc::clone(&pool),
        id,
    };
    ask.work.await;
    pool.counters.asked.inc();
    drop(answered);
    slot.next();
}
