//! A profile that a report asks for, as it waits for a slot.

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use lastcall_domain::Cancel;

use super::Pool;
use super::pump::Slot;
use crate::gate::Permit;

/// Work that is no job: it has a slot and a permit, and no row.
pub(crate) struct Ask {
    pub(crate) cancel: Cancel,
    /// Taken out when it gets its slot.
    pub(crate) permit: Option<Permit>,
    /// Does the work and answers; it catches its own panics.
    pub(crate) work: BoxFuture<'static, ()>,
}

impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask").finish_non_exhaustive()
    }
}

/// Gives the permit back, also where the task is dropped.
struct Answered {
    pool: Arc<Pool>,
    id: u64,
}

impl Drop for Answered {
    fn drop(&mut self) {
        self.pool.hands.answered(self.id);
    }
}

pub(crate) async fn answer(pool: Arc<Pool>, id: u64, ask: Ask, slot: Slot) {
    let answered = Answered {
        pool: Arc::clone(&pool),
        id,
    };
    ask.work.await;
    pool.tally.asked.one();
    drop(answered);
    slot.next();
}
