//! The bounds of a store; those on owners may change while it is open.

use std::sync::{PoisonError, RwLock};

use lastcall_domain::{Limits, OwnerLimits};

/// The current bounds. An operation reads them once.
#[derive(Debug)]
pub(crate) struct LiveLimits(RwLock<Limits>);

impl LiveLimits {
    pub(crate) fn new(limits: Limits) -> Self {
        Self(RwLock::new(limits))
    }

    pub(crate) fn get(&self) -> Limits {
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn limit_owners(&self, limits: OwnerLimits) {
        let mut held = self.0.write().unwrap_or_else(PoisonError::into_inner);
        held.per_owner = limits;
    }
}
