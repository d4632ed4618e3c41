//! Preconditions of uploads, and their outcomes.

use crate::Dataset;

/// What has to be true of the dataset that is there, so that another may take its place, or that it
/// may be deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Precondition {
    /// Nothing.
    #[default]
    None,
    /// There is none.
    Absent,
    /// There is one.
    Present,
    /// There is one, and its SHA-256 is one of these, in lower-case hexadecimal.
    Sha256(Vec<String>),
}

impl Precondition {
    /// Whether what is there meets it.
    pub fn is_met(&self, current: Option<&Dataset>) -> bool {
        match (self, current) {
            (Self::None, _) | (Self::Absent, None) | (Self::Present, Some(_)) => true,
            (Self::Sha256(accepted), Some(current)) => accepted.contains(&current.sha256),
            (Self::Absent, Some(_)) | (Self::Present | Self::Sha256(_), None) => false,
        }
    }
}

/// What [`Store::put_dataset`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one for each upload, which costs far more"
)]
pub enum UploadOutcome {
    /// The dataset has the name now.
    Stored {
        /// The dataset that had it before.
        replaced: Option<Dataset>,
    },
    /// The precondition is not met; nothing was changed.
    PreconditionFailed,
    /// The owner's datasets would be larger than those of one may be; nothing was changed.
    QuotaExceeded {
        /// The bytes of the other datasets.
        others: u64,
        /// The bytes that there may be.
        quota: u64,
    },
    /// The session is gone; nothing was changed.
    SessionGone,
}
