//! Metrics of jobs that ended in this process: how long they waited and ran, and why they failed.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::TimeDelta;
use lastcall_actors::actor_name;
use lastcall_domain::trace::TraceContext;
use lastcall_domain::{Job, JobObserver, Service, State};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::latency::Latency;

/// Upper bounds of the classes of durations, in seconds.
const DURATIONS: [f64; 12] = [
    0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0,
];
/// The codes that failures are told apart by; those beyond are counted as [`OTHER`].
const MAX_CODES: usize = 64;
const OTHER: &str = "other";

/// How the jobs of this process have ended. Cheap to clone: all clones count together.
#[derive(Clone, Debug)]
pub struct JobMetrics(Arc<Metrics>);

#[derive(Debug)]
struct Metrics {
    waited: Durations,
    ran: Durations,
    failed: Family<Failure, Counter>,
    codes: Mutex<BTreeSet<String>>,
}

type Durations = Family<Actor, Latency, fn() -> Latency>;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Actor {
    service: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Failure {
    code: String,
    service: &'static str,
}

impl Default for JobMetrics {
    fn default() -> Self {
        let durations = || -> Durations {
            let durations: Durations = Family::new_with_constructor(|| Latency::new(&DURATIONS));
            for service in Service::ALL.map(actor_name) {
                // Both are there from the start, with no job.
                drop(durations.get_or_create(&Actor { service }));
            }
            durations
        };
        Self(Arc::new(Metrics {
            waited: durations(),
            ran: durations(),
            failed: Family::default(),
            codes: Mutex::default(),
        }))
    }
}

impl JobMetrics {
    /// Lets the registry know them.
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(
            "lastcall_job_wait_seconds",
            "Time from a job's acceptance to the start of its last attempt",
            self.0.waited.clone(),
        );
        registry.register(
            "lastcall_job_run_seconds",
            "Time from the start of a job's last attempt to its end",
            self.0.ran.clone(),
        );
        registry.register(
            "lastcall_jobs_failed",
            "Jobs that failed, by the code of their error",
            self.0.failed.clone(),
        );
    }
}

impl JobObserver for JobMetrics {
    fn ended(&self, job: &Job) {
        let service = actor_name(job.service());
        if let (Some(started), Some(finished)) = (job.started_at, job.finished_at) {
            let trace = job.trace.as_ref().and_then(TraceContext::sampled_trace_id);
            // The clocks of two machines may differ.
            let observe = |durations: &Durations, span: TimeDelta| {
                let durations = durations.get_or_create(&Actor { service });
                durations.observe(span.to_std().unwrap_or_default(), trace);
            };
            observe(&self.0.waited, started - job.created_at);
            observe(&self.0.ran, finished - started);
        }
        if job.state() == State::Failed {
            let code = job.error.as_ref().map_or(OTHER, |error| &error.code);
            let code = self.0.bounded(code);
            self.0.failed.get_or_create(&Failure { code, service }).inc();
        }
    }
}

impl Metrics {
    /// The code as a label: the labels have to be few.
    fn bounded(&self, code: &str) -> String {
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        if codes.len() >= MAX_CODES && !codes.contains(code) {
            return OTHER.to_owned();
        }
        codes.insert(code.to_owned());
        code.to_owned()
    }
}
