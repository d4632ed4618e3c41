//! Jobs whose rows this version cannot read: another version wrote them, or they are damaged. They
//! are logged once and skipped, so that none blocks the others.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use lastcall_domain::trace::Scope;
use uuid::Uuid;

use crate::codec::Unreadable;

/// The most jobs that are remembered.
const MAX_JOBS: usize = 10_000;

/// The jobs that were skipped since the start.
#[derive(Debug, Default)]
pub(crate) struct QuarantinedJobs(Mutex<HashSet<Uuid>>);

impl QuarantinedJobs {
    /// Their ids.
    pub(crate) fn ids(&self) -> Vec<Uuid> {
        self.lock().iter().copied().collect()
    }

    /// Quarantines the job. Returns whether there was room for it.
    pub(crate) fn put(&self, job: Uuid, why: &Unreadable) -> bool {
        let mut jobs = self.lock();
        if jobs.len() >= MAX_JOBS {
            return jobs.contains(&job);
        }
        if jobs.insert(job) {
            Scope::about(job.into()).enter(|| log::warn!("job {job} skipped: {why}"));
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, HashSet<Uuid>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
