//! A cache of recently used sessions and datasets, so that a burst of submissions does not read
//! their rows each time.
//!
//! Only submissions use it, and nothing depends on it: the store checks the session again in the
//! transaction that accepts the job, and a dataset that a peer deletes at this moment is as gone
//! for the job as one that is deleted right after its acceptance.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lastcall_domain::{DatasetName, Session, SessionId};

/// How long a cached row is valid.
const FRESH: Duration = Duration::from_secs(1);
/// The most cached sessions.
const MAX_SESSIONS: usize = 1024;
/// The most cached datasets of a session.
const MAX_DATASETS: usize = 64;

/// The cache.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    sessions: Mutex<HashMap<SessionId, Entry>>,
}

#[derive(Debug)]
struct Entry {
    session: Session,
    datasets: HashSet<DatasetName>,
    at: Instant,
}

impl Recent {
    /// The cached session.
    pub(crate) fn session(&self, id: SessionId) -> Option<Session> {
        let sessions = self.lock();
        let entry = sessions.get(&id)?;
        (entry.at.elapsed() < FRESH).then(|| entry.session.clone())
    }

    /// Whether the session recently had the dataset.
    pub(crate) fn has_dataset(&self, session: SessionId, name: &DatasetName) -> bool {
        let sessions = self.lock();
        let entry = sessions.get(&session);
        entry.is_some_and(|entry| entry.at.elapsed() < FRESH && entry.datasets.contains(name))
    }

    /// Caches a session that was just read.
    pub(crate) fn insert_session(&self, session: &Session) {
        let mut sessions = self.lock();
        if sessions.len() >= MAX_SESSIONS {
            sessions.retain(|_, entry| entry.at.elapsed() < FRESH);
        }
        if sessions.len() < MAX_SESSIONS {
            let entry = Entry {
                session: session.clone(),
                datasets: HashSet::new(),
                at: Instant::now(),
            };
            sessions.insert(session.id, entry);
        }
    }

    /// Caches that the session has the dataset, while the session is cached.
    pub(crate) fn insert_dataset(&self, session: SessionId, name: &DatasetName) {
        if let Some(entry) = self.lock().get_mut(&session)
            && entry.datasets.len() < MAX_DATASETS
        {
            entry.datasets.insert(name.clone());
        }
    }

    /// Removes a session that was deleted, or has lost a dataset.
    pub(crate) fn remove(&self, session: SessionId) {
        self.lock().remove(&session);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Entry>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
