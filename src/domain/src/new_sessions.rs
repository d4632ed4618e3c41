//! Sessions that have no cached results yet.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use crate::SessionId;

/// The most sessions that are remembered; beyond it, the oldest is dropped.
const MAX_SESSIONS: usize = 100_000;

/// The sessions that this process has opened on its own store and in which no analysis has a
/// result, so that nobody needs to look for one. Nothing is known about other sessions.
#[derive(Debug, Default)]
pub struct NewSessions(Mutex<BTreeSet<SessionId>>);

impl NewSessions {
    /// Remembers a session that was just opened.
    pub fn insert(&self, session: SessionId) {
        let mut sessions = self.lock();
        sessions.insert(session);
        if sessions.len() > MAX_SESSIONS {
            // Ids begin with the time, so the first is the oldest.
            sessions.pop_first();
        }
    }

    /// Whether the session certainly has no result of an analysis.
    pub fn contains(&self, session: SessionId) -> bool {
        self.lock().contains(&session)
    }

    /// Removes a session that is about to have a result, or is gone.
    pub fn remove(&self, session: SessionId) {
        self.lock().remove(&session);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeSet<SessionId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_when_there_are_too_many() {
        let sessions = NewSessions::default();
        let all: Vec<SessionId> = (0..=MAX_SESSIONS).map(|_| SessionId::new()).collect();
        for &session in &all {
            sessions.insert(session);
        }
        assert!(!sessions.contains(all[0]));
        assert!(sessions.contains(all[1]));
        sessions.remove(all[1]);
        assert!(!sessions.contains(all[1]));
        assert_eq!(sessions.lock().len(), MAX_SESSIONS - 1);
    }
}
