//! Claims whose worker has not confirmed them: the response is under way, or it arrived when nobody
//! waited for it any more. Nothing was run under the lost ones, so they are undone before anything
//! else is claimed, and none of them is taken for that of a dead worker.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lastcall_domain::{ClaimRef, Job, JobId};

/// The claims of one store.
#[derive(Debug, Default)]
pub(crate) struct UnconfirmedClaims(Mutex<HashMap<ClaimRef, Delivery>>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Delivery {
    UnderWay,
    Lost,
}

/// Claimed jobs on their way to their worker.
#[derive(Debug)]
pub(crate) struct ClaimedJobs {
    jobs: Vec<Job>,
    unconfirmed: Arc<UnconfirmedClaims>,
}

impl UnconfirmedClaims {
    /// Adds claimed jobs that are about to be sent to their worker.
    pub(crate) fn deliver(self: &Arc<Self>, jobs: Vec<Job>) -> ClaimedJobs {
        self.set(jobs.iter().map(Job::claim), Delivery::UnderWay);
        ClaimedJobs {
            jobs,
            unconfirmed: Arc::clone(self),
        }
    }

    /// The lost claims.
    pub(crate) fn lost(&self) -> Vec<ClaimRef> {
        let claims = self.lock();
        let lost = claims.iter().filter(|(_, way)| **way == Delivery::Lost);
        lost.map(|(claim, _)| *claim).collect()
    }

    /// Whether the job has an unconfirmed claim, which its worker may be about to receive.
    pub(crate) fn contains(&self, job: JobId) -> bool {
        self.lock().keys().any(|claim| claim.job == job)
    }

    /// Marks claims as lost, because undoing them failed.
    pub(crate) fn lose(&self, claims: impl IntoIterator<Item = ClaimRef>) {
        self.set(claims, Delivery::Lost);
    }

    /// Removes claims that are confirmed or undone.
    pub(crate) fn remove(&self, claims: impl IntoIterator<Item = ClaimRef>) {
        let mut kept = self.lock();
        for claim in claims {
            kept.remove(&claim);
        }
    }

    fn set(&self, claims: impl IntoIterator<Item = ClaimRef>, way: Delivery) {
        let mut kept = self.lock();
        kept.extend(claims.into_iter().map(|claim| (claim, way)));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ClaimRef, Delivery>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ClaimedJobs {
    /// Confirms that the worker has them.
    pub(crate) fn confirm(mut self) -> Vec<Job> {
        let jobs = std::mem::take(&mut self.jobs);
        self.unconfirmed.remove(jobs.iter().map(Job::claim));
        jobs
    }
}

impl Drop for ClaimedJobs {
    fn drop(&mut self) {
        self.unconfirmed.lose(self.jobs.iter().map(Job::claim));
    }
}
