//! A session: the container of a caller's datasets, jobs and results, with a TTL.

use std::time::Duration;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::{SessionId, Timestamp};

/// The name of the caller that owns a session; with `auth.mode = "none"` all are one caller.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Owner(String);

impl Owner {
    /// The owner of that name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The one caller of a service without keys.
    pub fn anonymous() -> Self {
        Self::new("anonymous")
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Who may see it.
    pub owner: Owner,
    /// When it was made.
    pub created_at: Timestamp,
    /// From this moment on it is gone, unless it is used before.
    pub expires_at: Timestamp,
    /// How long it lives without being used.
    pub ttl: Duration,
}

impl Session {
    /// A session that begins at `now`.
    pub fn new(owner: Owner, ttl: Duration, now: Timestamp) -> Self {
        Self {
            id: SessionId::new(),
            owner,
            created_at: now,
            expires_at: after(now, ttl),
            ttl,
        }
    }

    /// Whether its time to live has ended.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }

    /// When it ends if it is used at `now`; `None` where writing that down is not worth it
    /// because it would gain less than a hundredth of the time to live.
    pub fn renewed(&self, now: Timestamp) -> Option<Timestamp> {
        let renewed = after(now, self.ttl);
        let gain = (renewed - self.expires_at).to_std().ok()?;
        (gain > Duration::ZERO && gain >= self.ttl / 100).then_some(renewed)
    }
}

/// `time` plus `span`, at most the end of time.
pub(crate) fn after(time: Timestamp, span: Duration) -> Timestamp {
    TimeDelta::from_std(span)
        .ok()
        .and_then(|span| time.checked_add_signed(span))
        .unwrap_or(Timestamp::MAX_UTC)
}
