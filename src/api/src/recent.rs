//! A cache of recently used sessions and datasets, so that a burst of submissions does not read
//! their rows each time.
//!
//! Only submissions use it, and nothing depends on it: the store looks at the session again in
//! the transaction that accepts the job, and a dataset that a peer deletes in this moment is as
//! gone for the job as one that is deleted a moment after it was accepted.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use lastcall_domain::{DatasetName, Session, SessionId};

/// How long a row is believed.
const FRESH: Duration = Duration::from_secs(1);
/// Sessions that are remembered.
const MAX_SESSIONS: usize = 1024;
/// Datasets of a session that are remembered.
const MAX_DATASETS: usize = 64;

/// What was seen a moment ago.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    sessions: Mutex<HashMap<SessionId, Seen>>,
}

#[derive(Debug)]
struct Seen {
    session: Session,
    datasets: HashSet<DatasetName>,
    at: Instant,
}

impl Recent {
    /// The session as it was a moment ago.
    pub(crate) fn session(&self, id: SessionId) -> Option<Session> {
        let sessions = self.lock();
        let seen = sessions.get(&id)?;
        (seen.at.elapsed() < FRESH).then(|| seen.session.clone())
    }

    /// Whether the session had the dataset a moment ago.
    pub(crate) fn has_dataset(&self, session: SessionId, name: &DatasetName) -> bool {
        let sessions = self.lock();
        let seen = sessions.get(&session);
        seen.is_some_and(|seen| seen.at.elapsed() < FRESH && seen.datasets.contains(name))
    }

    /// Remembers a session that was just read.
    pub(crate) fn saw_session(&self, session: &Session) {
        let mut sessions = self.lock();
        if sessions.len() >= MAX_SESSIONS {
            sessions.retain(|_, seen| seen.at.elapsed() < FRESH);
        }
        if sessions.len() < MAX_SESSIONS {
            let seen = Seen {
                session: session.clone(),
                datasets: HashSet::new(),
                at: Instant::now(),
            };
            sessions.insert(session.id, seen);
        }
    }

    /// Remembers that the session has the dataset, as long as the session is remembered.
    pub(crate) fn saw_dataset(&self, session: SessionId, name: &DatasetName) {
        if let Some(seen) = self.lock().get_mut(&session)
            && seen.datasets.len() < MAX_DATASETS
        {
            seen.datasets.insert(name.clone());
        }
    }

    /// Forgets a session that was deleted, or has lost a dataset.
    pub(crate) fn forget(&self, session: SessionId) {
        self.lock().remove(&session);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Seen>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
