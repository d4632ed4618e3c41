//! Submissions, once per idempotency key, and their outcomes.

use crate::{Job, Owner};

/// A request that is executed once: its key, its hash, and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotency {
    /// The owner of the key: keys of different callers are independent.
    pub owner: Owner,
    /// The caller's key, together with the path that it was used on.
    pub key: String,
    /// A hash of the request.
    pub fingerprint: [u8; 32],
    /// The answer to give to every repeat.
    pub answer: Answer,
}

/// An answer that is stored for repeats.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The `Location` header.
    pub location: Option<String>,
    /// The body, JSON.
    pub body: String,
}

/// The outcome of a request to create something.
#[derive(Clone, Debug, PartialEq)]
pub enum Admission<T> {
    /// It was created, and is on disk.
    Created(T),
    /// The same request was answered before; nothing was created.
    Replayed(Answer),
    /// The idempotency key was used before with another request; nothing was created.
    KeyReused,
    /// The queue is full; nothing was created.
    QueueFull {
        /// How many jobs are queued.
        queued: u64,
    },
    /// The owner has reached the bound on queued jobs; nothing was created.
    OwnerQueueFull {
        /// Their number.
        queued: u64,
    },
    /// The owner has reached the bound on sessions; nothing was created.
    TooManySessions {
        /// Their number.
        sessions: u64,
    },
    /// The session does not exist, has expired or was deleted; nothing was created.
    SessionGone,
}

/// A job to be accepted.
#[derive(Clone, Debug)]
pub struct Submission {
    /// The job.
    pub job: Job,
    /// The key under which the request may be repeated.
    pub idempotency: Option<Idempotency>,
    /// The most queued jobs of the service, including this one.
    pub max_queued: u64,
}
