//! An actor in the API.

use std::collections::BTreeMap;

use lastcall_actors::{MailboxStatus, ServiceStatus, actor_name};
use lastcall_domain::Service;
use lastcall_domain::store::StoreCounts;
use serde::Serialize;
use utoipa::ToSchema;

use crate::scrape::counters_by_name;

/// One actor, as its supervisor sees it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = ServiceStatus)]
pub(crate) struct ServiceView {
    /// Its name.
    #[schema(example = "AnalysisService")]
    pub(crate) name: String,
    /// `starting`, `running`, `restarting`, `failed`, `draining` or `stopped`.
    #[schema(example = "running")]
    pub(crate) state: String,
    /// Jobs that it runs concurrently; 0 if it runs none.
    pub(crate) slots: usize,
    /// Slots in use.
    pub(crate) busy: usize,
    /// Work that was admitted and has not finished.
    pub(crate) in_flight: usize,
    /// Jobs claimed ahead of a free slot.
    pub(crate) claimed_ahead: usize,
    /// Its queued jobs; `null` if it runs none or the store does not respond.
    pub(crate) queued: Option<u64>,
    /// Its mailbox.
    pub(crate) mailbox: MailboxView,
    /// Its restarts.
    pub(crate) restarts: u64,
    /// How often it was found hung; each is a restart as well.
    pub(crate) hung: u64,
    /// The fault that caused its last restart.
    pub(crate) last_fault: Option<String>,
    /// Its work since the process started, by outcome.
    pub(crate) counts: BTreeMap<String, u64>,
    /// What the cleaner has done; on `TtlCleaner` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cleaner: Option<BTreeMap<String, u64>>,
}

/// The mailbox of an actor.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = Mailbox)]
pub(crate) struct MailboxView {
    /// Messages in it.
    pub(crate) depth: usize,
    /// Its capacity.
    pub(crate) capacity: usize,
}

impl ServiceView {
    pub(crate) fn new(status: &ServiceStatus, counts: Option<&StoreCounts>) -> Self {
        let MailboxStatus { depth, capacity } = status.mailbox;
        let queued = service_of(&status.name)
            .and_then(|service| counts?.jobs.get(&service))
            .map(|counts| counts.queued);
        Self {
            name: status.name.clone(),
            state: name_of(&status.state),
            slots: status.slots,
            busy: status.busy,
            in_flight: status.in_flight,
            claimed_ahead: status.claimed_ahead,
            queued,
            mailbox: MailboxView { depth, capacity },
            restarts: status.restarts,
            hung: status.hung,
            last_fault: status.last_fault.clone(),
            counts: counters_by_name(&status.counts),
            cleaner: status.cleaner.as_ref().map(counters_by_name),
        }
    }
}

/// The service whose jobs an actor runs.
fn service_of(actor: &str) -> Option<Service> {
    let mut services = Service::ALL.into_iter();
    services.find(|service| actor_name(*service) == actor)
}

/// A name on the wire.
fn name_of(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        _ => String::new(),
    }
}
