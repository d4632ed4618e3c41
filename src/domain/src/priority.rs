//! The priority of a job among those of its owner.

use serde::{Deserialize, Serialize};

/// Which jobs of one owner a claim takes first. It takes nothing from other owners, whose turns
/// are the same whatever the priorities are: with `low`, an owner's batches give way to that owner's
/// own interactive work.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// In the order of submission.
    #[default]
    Normal,
    /// Behind all jobs of the same owner that are `normal`.
    Low,
}

impl Priority {
    /// Both, in the order in which claims take.
    pub const ALL: [Self; 2] = [Self::Normal, Self::Low];

    /// Whether it is the default.
    pub fn is_normal(&self) -> bool {
        *self == Self::Normal
    }
}
