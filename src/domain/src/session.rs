//! A session: the container of a caller's datasets, jobs and results, with a TTL.

use std::time::Duration;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};

use crate::{SessionId, Timestamp};

/// The name of the caller that owns a session; with `auth.mode = "none"` there is only one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Owner(String);

impl Owner {
    /// The owner of that name.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The only caller of a service without keys.
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
    /// Its owner.
    pub owner: Owner,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it expires, unless it is used before.
    pub expires_at: Timestamp,
    /// Its TTL: how long it lives without being used.
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

    /// Whether it has expired.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }

    /// Its new expiry if it is used at `now`; `None` if that is not worth a write, because it would
    /// gain less than a hundredth of the TTL.
    pub fn renewed(&self, now: Timestamp) -> Option<Timestamp> {
        let renewed = after(now, self.ttl);
        let gain = (renewed - self.expires_at).to_std().ok()?;
        (gain > Duration::ZERO && gain >= self.ttl / 100).then_some(renewed)
    }
}

/// `time` plus `span`, saturating.
pub(crate) fn after(time: Timestamp, span: Duration) -> Timestamp {
    TimeDelta::from_std(span)
        .ok()
        .and_then(|span| time.checked_add_signed(span))
        .unwrap_or(Timestamp::MAX_UTC)
}
