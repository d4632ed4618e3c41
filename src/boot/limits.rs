//! `limits.per_owner.*` while the service runs: which parts enforce them, and how they change.

use std::sync::Arc;

use actix_web::web::Data;
use lastcall_actors::Handle;
use lastcall_api::ApiState;
use lastcall_domain::Store;

use crate::config::OwnerBounds;

/// The bounds in force, and the parts that enforce them.
pub(super) struct LimitsInForce {
    in_force: OwnerBounds,
    store: Arc<dyn Store>,
    tree: Handle,
    state: Data<ApiState>,
}

impl LimitsInForce {
    /// For parts that were started with these bounds.
    pub(super) fn new(
        in_force: OwnerBounds,
        store: Arc<dyn Store>,
        tree: Handle,
        state: Data<ApiState>,
    ) -> Self {
        Self {
            in_force,
            store,
            tree,
            state,
        }
    }

    /// Puts these bounds in force, and logs what changed.
    pub(super) fn apply(&mut self, bounds: OwnerBounds, reason: &str) {
        if bounds == self.in_force {
            return;
        }
        self.store.limit_owners(bounds.store);
        // After the store, which is asked at once for what has become claimable.
        let bounded = bounds.store.running_jobs.is_some();
        self.tree.owners_are_bounded(bounded);
        self.state.limit_rate(bounds.rate);
        let before = std::mem::replace(&mut self.in_force, bounds);
        for ((key, old), (_, new)) in before.shown().into_iter().zip(bounds.shown()) {
            if old != new {
                log::info!("{reason}: {key} changed from {old} to {new}");
            }
        }
    }
}
