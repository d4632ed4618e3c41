//! Errors of stores.

use crate::Dependency;

/// Why a store could not do what it was asked to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It is out of reach or overloaded; the same call may go through later.
    /// Whether a write that failed so has happened is not known: ids and epochs make it safe
    /// to repeat.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// It is full; nothing was written. The same call may go through once there is room.
    #[error("the store is out of space: {0}")]
    NoSpace(String),
    /// It holds what this version does not understand, or refuses for good.
    #[error("the store failed: {0}")]
    Failed(String),
    /// It was closed by the shutdown.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// A stable name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) | Self::NoSpace(_) => "store_unavailable",
            Self::Failed(_) => "store_failed",
            Self::Closed => "store_closed",
        }
    }

    /// Whether the same call may go through later.
    pub fn retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::NoSpace(_))
    }

    /// The part of the environment whose fault it is.
    pub fn dependency(&self) -> Option<Dependency> {
        self.retryable().then_some(Dependency::Store)
    }
}

/// The result of a store's method.
pub type StoreResult<T> = Result<T, StoreError>;
