//! Submissions, once per idempotency key, and their outcomes.

use crate::{Job, Owner};

/// A request that is answered once: its key, what it asked for, and the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// Whose key it is: keys of different callers do not meet.
    pub owner: Owner,
    /// The caller's key, together with the path that it was used on.
    pub key: String,
    /// A hash of the request.
    pub fingerprint: [u8; 32],
    /// The answer to give to every repeat.
    pub answer: Answer,
}

/// An answer that is kept for repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The `Location` header.
    pub location: Option<String>,
    /// The body, JSON.
    pub body: String,
}

/// What became of a request to make something.
#[derive(Clone, Debug, PartialEq)]
pub enum Admission<T> {
    /// It was made, and is on disk.
    Created(T),
    /// The same request was answered before; nothing was made.
    Replayed(Answer),
    /// The idempotency key was used before with another request; nothing was made.
    KeyReused,
    /// The queue is full; nothing was made.
    QueueFull {
        /// How many jobs are queued.
        queued: u64,
    },
    /// The owner has as many queued jobs as one may have; nothing was made.
    OwnerQueueFull {
        /// How many these are.
        queued: u64,
    },
    /// The owner has as many sessions as one may have; nothing was made.
    TooManySessions {
        /// How many these are.
        sessions: u64,
    },
    /// The session does not exist, has expired or was deleted; nothing was made.
    SessionGone,
}

/// A job to be accepted.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The job.
    pub job: Job,
    /// The key under which the request may be repeated.
    pub idempotency: Option<Idempotency>,
    /// How many jobs of the service may be queued, this one included.
    pub max_queued: u64,
}
