//! Errors of stores.

use crate::Dependency;

/// Why a call to a store failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It is unreachable or overloaded; a retry may succeed. Whether a failed write has happened is
    /// unknown: ids and epochs make it safe to repeat.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// It is full; nothing was written. A retry may succeed once there is room.
    #[error("the store is out of space: {0}")]
    NoSpace(String),
    /// A permanent failure, or data that this version does not understand.
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

    /// Whether a retry may succeed.
    pub fn retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::NoSpace(_))
    }

    /// The dependency at fault, if any.
    pub fn dependency(&self) -> Option<Dependency> {
        self.retryable().then_some(Dependency::Store)
    }
}

/// The result of a call to a store.
pub type StoreResult<T> = Result<T, StoreError>;
