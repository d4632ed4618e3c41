//! Computes a requested profile.

use std::sync::Arc;

use super::Pool;
use super::profile_request::ProfileRequest;
use super::slot::Slot;

/// Returns the permit, even if the task is dropped.
struct FinishOnDrop {
    pool: Arc<Pool>,
    id: u64,
}

impl Drop for FinishOnDrop {
    fn drop(&mut self) {
        self.pool.claims.profile_finished(self.id);
    }
}

pub(super) async fn serve(pool: Arc<Pool>, id: u64, request: ProfileRequest, slot: Slot) {
    let finish = FinishOnDrop {
        pool: Arc::clone(&pool),
        id,
    };
    request.work.await;
    pool.counters.asked.inc();
    drop(finish);
    slot.next();
}
