//! Pages of lists, and job filters.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::lifecycle::State;
use crate::{DatasetName, LabelFilter, Owner, Service, SessionId, Timestamp};

/// In which order of creation sessions and jobs are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// The oldest first.
    #[default]
    Asc,
    /// The newest first.
    Desc,
}

impl FromStr for Order {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "asc" => Ok(Self::Asc),
            "desc" => Ok(Self::Desc),
            _ => Err(()),
        }
    }
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Page<T> {
    /// The entries.
    pub items: Vec<T>,
    /// Whether there are more after the last.
    pub more: bool,
}

/// Which jobs to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Of this owner only.
    pub owner: Option<Owner>,
    /// Of this session only.
    pub session: Option<SessionId>,
    /// In this state only.
    pub state: Option<State>,
    /// Of this service only.
    pub service: Option<Service>,
    /// Of this kind only, by its [name](crate::JobSpec::kind).
    pub kind: Option<&'static str>,
    /// Only those that [name](crate::JobSpec::names) this dataset.
    pub dataset: Option<DatasetName>,
    /// Only those with this label.
    pub label: Option<LabelFilter>,
    /// Only jobs of sessions that have not expired by then.
    pub alive_at: Option<Timestamp>,
    /// In this order.
    pub order: Order,
}
