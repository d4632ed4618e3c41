//! The shutdown report.

use std::time::Duration;

use lastcall_domain::{InstanceId, JobId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::millis::millis;

/// Exit code: nothing was left.
pub const EXIT_CLEAN: i32 = 0;
/// Exit code: a service exhausted its restarts (`EX_SOFTWARE`).
pub const EXIT_ESCALATED: i32 = 70;
/// Exit code: time ran out, and work was handed back or left to its lease (`EX_TEMPFAIL`).
pub const EXIT_HANDED_BACK: i32 = 75;

/// Why the process shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// SIGTERM.
    Sigterm,
    /// SIGINT.
    Sigint,
    /// `POST /v1/system/drain`.
    Api,
    /// A service exhausted its restarts.
    Escalation,
}

/// A phase, planned and actual.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PhaseTiming {
    /// Its name.
    pub name: String,
    /// Its planned maximum, in milliseconds.
    pub planned_ms: u64,
    /// How long it lasted, in milliseconds.
    pub actual_ms: u64,
}

/// The outcome of one child.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceOutcome {
    /// Its name.
    pub name: String,
    /// Whether its work was finished or handed back, its actor stopped and its thread joined.
    pub complete: bool,
    /// Whether it had exceeded its restart limit before.
    pub failed: bool,
    /// Whether its actor did not stop, or its thread did not end.
    pub stuck: bool,
    /// Jobs that ended between the first signal and the end.
    pub finished: u64,
    /// Jobs that were handed back.
    pub handed_back: u64,
    /// Jobs whose outcome could not be written, or whose claim could not be handed back: their
    /// lease or the next start recovers them. They count neither as finished nor as handed back.
    pub left: Vec<JobId>,
    /// Jobs that finished or were handed back, but whose work did not stop when it was cancelled.
    pub unstopped: Vec<JobId>,
    /// Jobs that stay in the queue, durably; `None` if the store did not respond.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queued: Option<u64>,
}

/// The outcome of [`Shutdown::drain`](super::Shutdown::drain).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DrainOutcome {
    /// The children, in the order in which they were drained.
    pub services: Vec<ServiceOutcome>,
    /// Threads that did not end.
    pub threads_left: Vec<String>,
    /// Whether work was cancelled because time ran out.
    pub out_of_time: bool,
}

impl DrainOutcome {
    /// Whether everything was finished or handed back, and everything has ended.
    pub fn is_complete(&self) -> bool {
        self.threads_left.is_empty() && self.services.iter().all(|service| service.complete)
    }

    /// Jobs that ended.
    pub fn finished(&self) -> u64 {
        self.services.iter().map(|service| service.finished).sum()
    }

    /// Jobs that were handed back.
    pub fn handed_back(&self) -> u64 {
        self.services
            .iter()
            .map(|service| service.handed_back)
            .sum()
    }

    /// Jobs that were left to their lease.
    pub fn left(&self) -> Vec<JobId> {
        let left = self.services.iter().map(|service| service.left.as_slice());
        left.flatten().copied().collect()
    }

    /// Jobs whose rows are final or requeued, but whose work did not stop.
    pub fn unstopped(&self) -> Vec<JobId> {
        let services = self.services.iter();
        let jobs = services.flat_map(|service| &service.unstopped);
        jobs.copied().collect()
    }
}

/// What the boot adds to the report.
#[derive(Clone, Debug, Default)]
pub struct Leftovers {
    /// Threads that did not end.
    pub threads: Vec<String>,
    /// What else was left: a store that did not close, requests without a response.
    pub other: Vec<String>,
}

/// The report of a shutdown: a JSON file beside the store, a line of the log, and part of
/// `/v1/system` in the next run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShutdownReport {
    /// The run that ended.
    pub instance: InstanceId,
    /// Why.
    pub reason: Reason,
    /// Whether a second signal cut it short.
    pub hurried: bool,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    pub finished_at: Timestamp,
    /// How long it lasted, in milliseconds.
    pub elapsed_ms: u64,
    /// Its planned maximum, in milliseconds.
    pub deadline_ms: u64,
    /// The phases, planned and actual.
    pub phases: Vec<PhaseTiming>,
    /// The children, in the order in which they were drained.
    pub services: Vec<ServiceOutcome>,
    /// Jobs that ended during the shutdown; `None` if that is not known.
    pub finished: Option<u64>,
    /// Jobs that were handed back; `None` if that is not known.
    pub handed_back: Option<u64>,
    /// Jobs that were left to their lease; `None` if that is not known.
    pub left: Option<u64>,
    /// Jobs that stay in the queue; `None` if the store did not respond.
    pub queued: Option<u64>,
    /// Threads that did not end.
    pub threads_left: Vec<String>,
    /// What else was left.
    pub other_left: Vec<String>,
    /// Whether everything in flight was finished and nothing was left: "All services shut down
    /// successfully" is true.
    pub clean: bool,
    /// The exit code of the process.
    pub exit_code: i32,
}

/// What the shutdown sequence adds to the report.
pub(super) struct RunSummary {
    pub(super) instance: InstanceId,
    pub(super) reason: Reason,
    pub(super) hurried: bool,
    pub(super) started_at: Timestamp,
    pub(super) finished_at: Timestamp,
    pub(super) elapsed: Duration,
    pub(super) deadline: Duration,
    pub(super) phases: Vec<PhaseTiming>,
}

impl ShutdownReport {
    /// `outcome` is `None` if the drain did not complete.
    pub(super) fn new(
        summary: RunSummary,
        outcome: Option<DrainOutcome>,
        leftovers: Leftovers,
    ) -> Self {
        let known = outcome.is_some();
        let outcome = outcome.unwrap_or_default();
        let figure = |figure: u64| known.then_some(figure);
        let mut threads_left = outcome.threads_left.clone();
        threads_left.extend(leftovers.threads);
        let clean = known
            && outcome.is_complete()
            && !outcome.out_of_time
            && outcome.handed_back() == 0
            && threads_left.is_empty()
            && leftovers.other.is_empty();
        let exit_code = match (summary.reason, clean) {
            (Reason::Escalation, _) => EXIT_ESCALATED,
            (_, true) => EXIT_CLEAN,
            (_, false) => EXIT_HANDED_BACK,
        };
        let queued = outcome.services.iter().filter_map(|service| service.queued);
        Self {
            instance: summary.instance,
            reason: summary.reason,
            hurried: summary.hurried,
            started_at: summary.started_at,
            finished_at: summary.finished_at,
            elapsed_ms: millis(summary.elapsed),
            deadline_ms: millis(summary.deadline),
            phases: summary.phases,
            finished: figure(outcome.finished()),
            handed_back: figure(outcome.handed_back()),
            left: figure(outcome.left().len() as u64),
            queued: queued.reduce(|sum, more| sum + more),
            services: outcome.services,
            threads_left,
            other_left: leftovers.other,
            clean,
            exit_code,
        }
    }

    /// What was not finished, for a warning; empty if the shutdown was clean.
    pub fn leftovers(&self) -> Vec<String> {
        let mut left = self.other_left.clone();
        let handed_back = self.handed_back.unwrap_or_default();
        if handed_back > 0 {
            let jobs = if handed_back == 1 { "job" } else { "jobs" };
            left.push(format!("{handed_back} {jobs} handed back"));
        }
        left.extend(
            self.threads_left
                .iter()
                .map(|name| format!("thread {name}")),
        );
        for service in self.services.iter().filter(|service| !service.complete) {
            let what = if service.failed {
                "had exceeded its restart limit"
            } else if service.stuck {
                "did not end"
            } else {
                "did not finish its work"
            };
            left.push(format!("{} {what}", service.name));
            let name = &service.name;
            let jobs = service.left.iter();
            left.extend(jobs.map(|job| format!("job {job} of {name}")));
            let jobs = service.unstopped.iter();
            left.extend(jobs.map(|job| format!("the work of job {job} of {name}, still running")));
        }
        if left.is_empty() && !self.clean {
            left.push("jobs in the queue, which was to be finished".to_owned());
        }
        left
    }
}
