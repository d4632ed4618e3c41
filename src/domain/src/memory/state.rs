//! The rows of the in-memory store.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use tokio::sync::broadcast;
use uuid::Uuid;

use crate::store::{Admission, Hint, Idempotency, JobResult, Order, Rotation, StoreCounts};
use crate::{
    ClaimRef, Dataset, DatasetName, Job, JobId, Limits, Owner, Service, Session, SessionId, State,
    Timestamp,
};

/// A session's row.
#[derive(Debug)]
pub(super) struct SessionRow {
    pub(super) session: Session,
    pub(super) deleted: bool,
    pub(super) removing: bool,
}

impl SessionRow {
    /// Whether datasets and jobs can be put into it at `now`.
    pub(super) fn accepts(&self, now: Timestamp) -> bool {
        !self.deleted && !self.removing && !self.session.is_expired(now)
    }
}

/// All rows.
#[derive(Debug)]
pub(super) struct Rows {
    pub(super) limits: Limits,
    /// Whether other processes may have the store open.
    pub(super) shared: bool,
    pub(super) closed: bool,
    pub(super) hints: broadcast::Sender<Hint>,
    pub(super) sessions: BTreeMap<SessionId, SessionRow>,
    pub(super) datasets: BTreeMap<(SessionId, DatasetName), Dataset>,
    pub(super) jobs: BTreeMap<JobId, Job>,
    /// The jobs that have not ended.
    pub(super) unfinished: BTreeSet<JobId>,
    pub(super) results: HashMap<JobId, JobResult>,
    pub(super) answers: BTreeMap<(Owner, String), (Idempotency, Timestamp)>,
    pub(super) removed: BTreeMap<Uuid, (Owner, Timestamp)>,
    pub(super) counts: StoreCounts,
    /// The turns of the owners in each queue.
    pub(super) rotations: HashMap<Service, Rotation>,
    /// Unconfirmed claims.
    pub(super) unconfirmed: Vec<ClaimRef>,
}

impl Rows {
    pub(super) fn new(limits: Limits, shared: bool) -> Self {
        Self {
            limits,
            shared,
            closed: false,
            hints: broadcast::Sender::new(1024),
            sessions: BTreeMap::new(),
            datasets: BTreeMap::new(),
            jobs: BTreeMap::new(),
            unfinished: BTreeSet::new(),
            results: HashMap::new(),
            answers: BTreeMap::new(),
            removed: BTreeMap::new(),
            counts: StoreCounts::default(),
            rotations: HashMap::new(),
            unconfirmed: Vec::new(),
        }
    }

    /// What an earlier use of the key means for this one.
    pub(super) fn repeated<T>(&self, idempotency: Option<&Idempotency>) -> Option<Admission<T>> {
        let asked = idempotency?;
        let (kept, _) = self
            .answers
            .get(&(asked.owner.clone(), asked.key.clone()))?;
        Some(if kept.fingerprint == asked.fingerprint {
            Admission::Replayed(kept.answer.clone())
        } else {
            Admission::KeyReused
        })
    }

    pub(super) fn remember(&mut self, idempotency: Option<Idempotency>, now: Timestamp) {
        if let Some(kept) = idempotency {
            let key = (kept.owner.clone(), kept.key.clone());
            self.answers.insert(key, (kept, now));
        }
    }

    /// Whether the rows of the session are visible to callers.
    pub(super) fn visible(&self, session: SessionId) -> bool {
        self.sessions.get(&session).is_some_and(|row| !row.removing)
    }

    /// Whether the session has expired by `time`.
    pub(super) fn is_over(&self, session: SessionId, time: Timestamp) -> bool {
        let row = self.sessions.get(&session);
        row.is_some_and(|row| row.session.is_expired(time))
    }

    /// Stores the job in its new state, and updates counts and indexes.
    pub(super) fn put(&mut self, job: Job) {
        if let Some(before) = self.jobs.get(&job.id) {
            let (service, state) = (before.service(), before.state());
            self.count(service, state, -1);
        }
        self.count(job.service(), job.state(), 1);
        if job.state().is_final() {
            self.unfinished.remove(&job.id);
        } else {
            self.unfinished.insert(job.id);
        }
        self.hint(Hint::Changed(job.id));
        if job.state() == State::Queued {
            self.hint(Hint::Queued(job.service()));
        }
        self.jobs.insert(job.id, job);
    }

    /// Notifies the other processes.
    fn hint(&self, hint: Hint) {
        if self.shared {
            // There may be no receivers.
            let _ = self.hints.send(hint);
        }
    }

    fn count(&mut self, service: Service, state: State, by: i64) {
        let counts = self.counts.jobs.entry(service).or_default();
        match state {
            State::Queued => counts.queued = counts.queued.saturating_add_signed(by),
            State::Running => counts.running = counts.running.saturating_add_signed(by),
            State::Succeeded | State::Failed | State::Cancelled => {}
        }
    }
}

/// The first `limit` of `items`, and whether there are more.
pub(super) fn page<T>(items: impl Iterator<Item = T>, limit: u32) -> crate::store::Page<T> {
    let mut items = items.peekable();
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let taken: Vec<T> = items.by_ref().take(limit).collect();
    let more = items.peek().is_some();
    crate::store::Page { items: taken, more }
}

/// The rows after `after`, in this order.
pub(super) fn ordered<'a, K: Ord + Copy, V>(
    rows: &'a BTreeMap<K, V>,
    order: Order,
    after: Option<K>,
) -> Box<dyn Iterator<Item = &'a V> + 'a> {
    let after = after.map_or(Bound::Unbounded, Bound::Excluded);
    match order {
        Order::Asc => Box::new(rows.range((after, Bound::Unbounded)).map(|(_, row)| row)),
        Order::Desc => Box::new(
            rows.range((Bound::Unbounded, after))
                .rev()
                .map(|(_, row)| row),
        ),
    }
}
