//! Changes of jobs by callers and workers, several in one transaction.

use std::collections::{HashMap, HashSet};

use lastcall_domain::store::{JobResult, Outcome, WriteResult};
use lastcall_domain::{ClaimRef, Job, JobId, Limits, Refused, State, StoreResult, Timestamp};
use uuid::Uuid;

use super::error::Sql;
use super::pool::Connections;
use super::save::{Saved, lock_ids, save};

/// A requested change.
#[derive(Clone, Debug)]
pub(super) enum Change {
    /// A claim ends.
    Complete(ClaimRef, Outcome),
    /// Claims are handed back, all of them or, if the transaction fails, none.
    HandBack(Vec<ClaimRef>),
    /// The caller cancels this job.
    Cancel(JobId),
}

impl Change {
    fn jobs(&self) -> Vec<JobId> {
        match self {
            Self::Complete(claim, _) => vec![claim.job],
            Self::HandBack(claims) => claims.iter().map(|claim| claim.job).collect(),
            Self::Cancel(job) => vec![*job],
        }
    }
}

/// The outcome of a group of changes.
pub(super) struct Changed {
    /// For each change, the result for each of its jobs.
    pub(super) results: Vec<Vec<WriteResult>>,
    /// The jobs that have changed.
    pub(super) saved: Saved,
}

/// Applies the changes in their order.
pub(super) async fn apply(
    connections: &Connections,
    limits: &Limits,
    asked: &[Change],
) -> StoreResult<Changed> {
    connections
        .run(|| async move { try_apply(connections, limits, asked).await })
        .await
}

async fn try_apply(connections: &Connections, limits: &Limits, asked: &[Change]) -> Sql<Changed> {
    let ids: HashSet<Uuid> = asked
        .iter()
        .flat_map(|change| change.jobs())
        .map(|job| *job.as_uuid())
        .collect();
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let mut conn = connections.acquire().await?;
    let tx = conn.begin().await?;
    let mut set = ChangeSet::default();
    if let Some(locked) = lock_ids(&tx, &ids).await? {
        set.jobs = locked.jobs.into_iter().map(|job| (job.id, job)).collect();
        set.now = locked.now;
    }
    let results = asked.iter().map(|asked| set.apply(asked, limits)).collect();
    let changed = set.changed.iter().filter_map(|id| set.jobs.get(id));
    let jobs: Vec<&Job> = changed.collect();
    let released = save(&tx, &jobs, &set.results).await?;
    tx.commit().await?;
    conn.done();
    let jobs = jobs.into_iter().cloned().collect();
    let saved = Saved { jobs, released };
    Ok(Changed { results, saved })
}

/// The rows that are changed together, and their new state.
#[derive(Default)]
struct ChangeSet {
    now: Timestamp,
    jobs: HashMap<JobId, Job>,
    changed: HashSet<JobId>,
    results: HashMap<JobId, JobResult>,
}

impl ChangeSet {
    fn apply(&mut self, asked: &Change, limits: &Limits) -> Vec<WriteResult> {
        let now = self.now;
        match asked {
            Change::Complete(claim, outcome) => {
                let result = self.change(claim.job, |job| {
                    job.complete(*claim, outcome, now, limits).map(|_| ())
                });
                if let (Ok(job), Outcome::Succeeded(output)) = (&result, outcome)
                    && job.state() == State::Succeeded
                {
                    self.results.insert(job.id, output.clone());
                }
                vec![result]
            }
            Change::HandBack(claims) => claims
                .iter()
                .map(|claim| {
                    self.change(claim.job, |job| {
                        job.hand_back(*claim, now, limits).map(|_| ())
                    })
                })
                .collect(),
            Change::Cancel(id) => {
                vec![self.change(*id, |job| job.cancel(now, limits).map(|_| ()))]
            }
        }
    }

    fn change(
        &mut self,
        id: JobId,
        change: impl FnOnce(&mut Job) -> Result<(), Refused>,
    ) -> WriteResult {
        let job = self.jobs.get_mut(&id).ok_or(Refused::StaleEpoch)?;
        change(job)?;
        self.changed.insert(id);
        Ok(job.clone())
    }
}
