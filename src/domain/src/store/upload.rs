//! Preconditions of uploads, and their outcomes.

use crate::Dataset;

/// The precondition for replacing or deleting a dataset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Precondition {
    /// None.
    #[default]
    None,
    /// The dataset does not exist.
    Absent,
    /// The dataset exists.
    Present,
    /// The dataset exists, and its SHA-256 is one of these, in lower-case hexadecimal.
    Sha256(Vec<String>),
}

impl Precondition {
    /// Whether the current dataset meets it.
    pub fn is_met(&self, current: Option<&Dataset>) -> bool {
        match (self, current) {
            (Self::None, _) | (Self::Absent, None) | (Self::Present, Some(_)) => true,
            (Self::Sha256(accepted), Some(current)) => accepted.contains(&current.sha256),
            (Self::Absent, Some(_)) | (Self::Present | Self::Sha256(_), None) => false,
        }
    }
}

/// The outcome of [`Store::put_dataset`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one for each upload, which costs far more"
)]
pub enum UploadOutcome {
    /// The dataset was stored.
    Stored {
        /// The dataset that had it before.
        replaced: Option<Dataset>,
    },
    /// The precondition failed; nothing was changed.
    PreconditionFailed,
    /// The owner would exceed the bound on datasets' bytes; nothing was changed.
    QuotaExceeded {
        /// The bytes of the other datasets.
        others: u64,
        /// The bound in bytes.
        quota: u64,
    },
    /// The session is gone; nothing was changed.
    SessionGone,
}
