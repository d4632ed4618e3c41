//! Sessions, datasets and their removal, in memory.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::state::{Rows, SessionRow, ordered, page};
use crate::store::{Admission, Idempotency, Order, Page, Precondition, UploadOutcome};
use crate::{
    BlobKey, Dataset, DatasetName, JobId, Owner, ReadOptions, Schema, Session, SessionId, State,
    Timestamp,
};

impl Rows {
    pub(super) fn create_session(
        &mut self,
        session: Session,
        idempotency: Option<Idempotency>,
        now: Timestamp,
    ) -> Admission<Session> {
        if let Some(answer) = self.repeated(idempotency.as_ref()) {
            return answer;
        }
        if let Some(before) = self.sessions.get(&session.id) {
            // The same request again, after a lost response.
            let before = before.session.clone();
            self.remember(idempotency, now);
            return Admission::Created(before);
        }
        let of_owner = self.live_sessions(&session.owner, now).count() as u64;
        let most = self.limits.per_owner.sessions;
        if most.is_some_and(|most| of_owner >= most) {
            return Admission::TooManySessions { sessions: of_owner };
        }
        self.remember(idempotency, now);
        let row = SessionRow {
            session: session.clone(),
            deleted: false,
            removing: false,
        };
        self.sessions.insert(session.id, row);
        self.counts.sessions = self.sessions.len() as u64;
        Admission::Created(session)
    }

    fn live_sessions(&self, owner: &Owner, now: Timestamp) -> impl Iterator<Item = SessionId> {
        let live = move |row: &&SessionRow| row.accepts(now) && row.session.owner == *owner;
        self.sessions
            .values()
            .filter(live)
            .map(|row| row.session.id)
    }

    pub(super) fn session(&self, id: SessionId) -> Option<Session> {
        let row = self.sessions.get(&id)?;
        (!row.deleted && !row.removing).then(|| row.session.clone())
    }

    pub(super) fn sessions(
        &self,
        owner: &Owner,
        now: Timestamp,
        order: Order,
        after: Option<SessionId>,
        limit: u32,
    ) -> Page<Session> {
        let live = ordered(&self.sessions, order, after)
            .filter(|row| row.accepts(now) && row.session.owner == *owner)
            .map(|row| row.session.clone());
        page(live, limit)
    }

    pub(super) fn renew_session(&mut self, id: SessionId, expires_at: Timestamp) {
        if let Some(row) = self.sessions.get_mut(&id)
            && !row.deleted
            && !row.removing
        {
            row.session.expires_at = row.session.expires_at.max(expires_at);
        }
    }

    pub(super) fn delete_session(&mut self, id: SessionId, now: Timestamp) -> bool {
        match self.sessions.get_mut(&id) {
            Some(row) if !row.deleted && !row.removing => row.deleted = true,
            _ => return false,
        }
        for job in self.unfinished_of(id) {
            self.cancel(job, now);
        }
        true
    }

    pub(super) fn was_removed(&self, id: &Uuid, owner: &Owner) -> bool {
        if let Some((whose, _)) = self.removed.get(id) {
            return whose == owner;
        }
        let session = self.jobs.get(&JobId::from(*id)).map(|job| job.session);
        self.sessions
            .get(&session.unwrap_or(SessionId::from(*id)))
            .is_some_and(|row| row.removing && !row.deleted && row.session.owner == *owner)
    }

    pub(super) fn begin_removal(&mut self, now: Timestamp, limit: u32) -> Vec<SessionId> {
        let due = |rows: &Self, id: SessionId, row: &SessionRow| {
            (row.deleted || row.session.is_expired(now)) && rows.unfinished_of(id).is_empty()
        };
        let marked = self.sessions.iter().filter(|(_, row)| row.removing);
        let fresh = self
            .sessions
            .iter()
            .filter(|(id, row)| !row.removing && due(self, **id, row));
        let ids = page(marked.chain(fresh).map(|(id, _)| *id), limit).items;
        for id in &ids {
            if let Some(row) = self.sessions.get_mut(id) {
                row.removing = true;
            }
        }
        ids
    }

    pub(super) fn finish_removal(&mut self, ids: &[SessionId], now: Timestamp) {
        for id in ids {
            if !self.sessions.get(id).is_some_and(|row| row.removing) {
                continue;
            }
            let Some(row) = self.sessions.remove(id) else {
                continue;
            };
            self.datasets.retain(|(session, _), _| session != id);
            let jobs = self.jobs.extract_if(.., |_, job| job.session == *id);
            for (job, _) in jobs {
                self.results.remove(&job);
                if !row.deleted {
                    let owner = row.session.owner.clone();
                    self.removed.insert(*job.as_uuid(), (owner, now));
                }
            }
            if !row.deleted {
                self.removed.insert(*id.as_uuid(), (row.session.owner, now));
            }
        }
        self.counts.sessions = self.sessions.len() as u64;
    }

    pub(super) fn purge(&mut self, before: Timestamp, limit: u32) -> u64 {
        let mut left = u64::from(limit);
        let mut old = |at: &Timestamp| {
            let forgotten = *at < before && left > 0;
            left -= u64::from(forgotten);
            forgotten
        };
        self.answers.retain(|_, (_, at)| !old(at));
        self.removed.retain(|_, (_, at)| !old(at));
        u64::from(limit) - left
    }

    pub(super) fn put_dataset(
        &mut self,
        dataset: Dataset,
        precondition: &Precondition,
        now: Timestamp,
    ) -> UploadOutcome {
        let session = self.sessions.get(&dataset.session);
        let Some(session) = session.filter(|row| row.accepts(now)) else {
            return UploadOutcome::SessionGone;
        };
        let key = (dataset.session, dataset.name.clone());
        let replaced = self.datasets.get(&key);
        if !precondition.is_met(replaced) {
            return UploadOutcome::PreconditionFailed;
        }
        let live: BTreeSet<SessionId> = self.live_sessions(&session.session.owner, now).collect();
        let datasets = self.datasets.values();
        let others = datasets.filter(|other| {
            live.contains(&other.session) && (other.session, &other.name) != (key.0, &key.1)
        });
        let others = others.map(|other| other.bytes).sum();
        let limits = self.limits.per_owner;
        let before = replaced.map(|replaced| replaced.bytes);
        if !limits.has_room_for(dataset.bytes, before, others) {
            let quota = limits.stored_bytes.unwrap_or(u64::MAX);
            return UploadOutcome::QuotaExceeded { others, quota };
        }
        let replaced = self.datasets.insert(key, dataset);
        UploadOutcome::Stored { replaced }
    }

    pub(super) fn dataset(&self, session: SessionId, name: &DatasetName) -> Option<Dataset> {
        if !self.visible(session) {
            return None;
        }
        self.datasets.get(&(session, name.clone())).cloned()
    }

    pub(super) fn datasets(
        &self,
        session: SessionId,
        after: Option<&DatasetName>,
        limit: u32,
    ) -> Page<Dataset> {
        let visible = self.visible(session);
        let of_session = self.datasets.iter().filter(|((of, name), _)| {
            visible && *of == session && after.is_none_or(|after| name > after)
        });
        page(of_session.map(|(_, dataset)| dataset.clone()), limit)
    }

    pub(super) fn set_schema(&mut self, blob: &BlobKey, read: &ReadOptions, schema: &Schema) {
        let held = self.datasets.values_mut().find(|held| held.blob == *blob);
        if let Some(dataset) = held.filter(|held| held.read == *read) {
            dataset.schema = Some(schema.clone());
        }
    }

    pub(super) fn set_read_options(&mut self, seen: &Dataset, read: ReadOptions) -> bool {
        if !self.visible(seen.session) {
            return false;
        }
        let held = self.datasets.get_mut(&(seen.session, seen.name.clone()));
        let Some(dataset) = held.filter(|held| held.is_read_like(seen)) else {
            return false;
        };
        dataset.read = read;
        dataset.schema = None;
        true
    }

    pub(super) fn delete_dataset(
        &mut self,
        session: SessionId,
        name: &DatasetName,
        precondition: &Precondition,
    ) -> Option<Dataset> {
        if !self.visible(session) {
            return None;
        }
        let key = (session, name.clone());
        if !precondition.is_met(self.datasets.get(&key)) {
            return None;
        }
        self.datasets.remove(&key)
    }

    /// The session's jobs that are queued or running.
    fn unfinished_of(&self, session: SessionId) -> Vec<JobId> {
        let unfinished = self.unfinished.iter().filter_map(|id| self.jobs.get(id));
        unfinished
            .filter(|job| job.session == session)
            .inspect(|job| debug_assert!(matches!(job.state(), State::Queued | State::Running)))
            .map(|job| job.id)
            .collect()
    }
}
