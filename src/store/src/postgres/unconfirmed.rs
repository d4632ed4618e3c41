//! Claims that may be on disk although nobody knows: the response to their commit was lost, or
//! arrived when its caller had stopped waiting. Nothing was run under them, so they are undone
//! before anything else is claimed. Left to their leases, they would cost an attempt.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lastcall_domain::store::{Claimed, Rotation};
use lastcall_domain::{ClaimRef, InstanceId, Job, Limits};
use uuid::Uuid;

use super::error::Sql;
use super::save::{Saved, lock_ids, save};
use super::statements::Transaction;

/// The unconfirmed claims of one service.
#[derive(Default)]
pub(super) struct UnconfirmedClaims {
    /// The turns of the owners in the queue of the service.
    rotation: tokio::sync::Mutex<Rotation>,
    claims: Mutex<Vec<(InstanceId, ClaimRef)>>,
}

/// The right to claim jobs of the service and to undo claims here: a claim under way must not be
/// taken for an unconfirmed one.
pub(super) struct ClaimLock<'a> {
    unconfirmed: &'a UnconfirmedClaims,
    rotation: tokio::sync::MutexGuard<'a, Rotation>,
}

impl UnconfirmedClaims {
    /// Waits for the lock.
    pub(super) async fn lock(&self) -> ClaimLock<'_> {
        ClaimLock {
            unconfirmed: self,
            rotation: self.rotation.lock().await,
        }
    }

    /// The lock, if there are claims to undo and nobody else is about to.
    pub(super) fn lock_if_needed(&self) -> Option<ClaimLock<'_>> {
        let lock = ClaimLock {
            unconfirmed: self,
            rotation: self.rotation.try_lock().ok()?,
        };
        let needed = !lock.claims().is_empty();
        needed.then_some(lock)
    }
}

impl UnconfirmedClaims {
    /// The jobs of these claims.
    pub(super) fn jobs(&self) -> Vec<Uuid> {
        let claims = self.claims.lock().unwrap_or_else(PoisonError::into_inner);
        claims
            .iter()
            .map(|(_, claim)| *claim.job.as_uuid())
            .collect()
    }
}

impl ClaimLock<'_> {
    /// The turns of the owners.
    pub(super) fn rotation(&self) -> &Rotation {
        &self.rotation
    }

    /// Records that these have had their turn.
    pub(super) fn claimed<T>(&mut self, claimed: &Claimed<T>) {
        self.rotation.claimed(claimed);
    }

    /// Undoes the claims that are on disk.
    pub(super) async fn undo(&self, tx: &Transaction<'_>, limits: &Limits) -> Sql<Saved> {
        let unconfirmed = self.claims().clone();
        let ids: Vec<Uuid> = unconfirmed
            .iter()
            .map(|(_, claim)| *claim.job.as_uuid())
            .collect();
        let mut saved = Saved::default();
        if ids.is_empty() {
            return Ok(saved);
        }
        if let Some(locked) = lock_ids(tx, &ids).await? {
            saved.jobs = locked.jobs;
            saved.jobs.retain_mut(|job| {
                // A peer may have it under the same epoch, if our claim is not on disk.
                let holder = job.lifecycle.lease.map(|lease| lease.holder);
                let claim = job.claim();
                holder.is_some_and(|holder| unconfirmed.contains(&(holder, claim)))
                    && job.unclaim(claim, locked.now, limits).is_ok()
            });
            let changed: Vec<&Job> = saved.jobs.iter().collect();
            saved.released = save(tx, &changed, &HashMap::new()).await?;
        }
        Ok(saved)
    }

    /// Adds claims whose commit is about to be requested.
    pub(super) fn add(&self, holder: InstanceId, jobs: &[Job]) {
        let mut claims = self.claims();
        for job in jobs {
            let claim = (holder, job.claim());
            if !claims.contains(&claim) {
                claims.push(claim);
            }
        }
    }

    /// Removes all claims, because the response to their commit has arrived.
    pub(super) fn confirm(&self) {
        self.claims().clear();
    }

    fn claims(&self) -> MutexGuard<'_, Vec<(InstanceId, ClaimRef)>> {
        self.unconfirmed
            .claims
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
