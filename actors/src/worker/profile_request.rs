//! A profile requested by a report, while it waits for a slot.

use std::fmt;

use futures_util::future::BoxFuture;
use lastcall_domain::Cancel;

use crate::gate::Permit;

/// A request has a slot and a permit, but unlike a job no row.
pub(crate) struct ProfileRequest {
    pub(crate) cancel: Cancel,
    /// Taken when it gets its slot.
    pub(crate) permit: Option<Permit>,
    /// Computes the profile and replies; catches its own panics.
    pub(crate) work: BoxFuture<'static, ()>,
}

impl fmt::Debug for ProfileRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProfileRequest").finish_non_exhaustive()
    }
}
