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
/// The most distinct error codes; further ones are counted as [`OTHER`].
const MAX_CODES: usize = 64;
const OTHER: &str = "other";

/// Metrics of the jobs that ended in this process. Cheap to clone; clones share the metrics.
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
                // Both exist from the start.
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
    /// Registers the metrics.
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
            self.0
                .failed
                .get_or_create(&Failure { code, service })
                .inc();
        }
    }
}

impl Metrics {
    /// The code as a label, of which there must be few.
    fn bounded(&self, code: &str) -> String {
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        if codes.len() >= MAX_CODES && !codes.contains(code) {
            return OTHER.to_owned();
        }
        codes.insert(code.to_owned());
        code.to_owned()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use lastcall_domain::store::Outcome;
    use lastcall_domain::{Clock as _, JobError, JobId, JobSpec, Limits, Owner, ReportFormat};
    use lastcall_domain::{
        DatasetName, InstanceId, ReportOptions, ReportSource, SessionId, SystemClock,
    };
    use prometheus_client::encoding::prometheus_text;

    use super::*;

    /// Reports that failed after so many milliseconds of waiting and a quarter of a second of work.
    fn fail(metrics: &JobMetrics, waited: i64, code: &str) {
        let (now, limits) = (SystemClock.now(), Limits::default());
        let spec = JobSpec::Report {
            source: ReportSource::Dataset(DatasetName::try_from("birds".to_owned()).unwrap()),
            format: ReportFormat::Pdf,
            options: Box::<ReportOptions>::default(),
        };
        let mut job = Job::new(
            JobId::new(),
            SessionId::new(),
            Owner::anonymous(),
            spec,
            now,
        );
        let started = now + TimeDelta::milliseconds(waited);
        let lease = std::time::Duration::from_secs(5);
        job.take(InstanceId::new(), lease, started, &limits)
            .unwrap();
        let outcome = Outcome::Failed(JobError::permanent(code, "it does not work"));
        let finished = started + TimeDelta::milliseconds(250);
        job.complete(job.claim(), &outcome, finished, &limits)
            .unwrap();
        metrics.ended(&job);
    }

    fn text(metrics: &JobMetrics) -> String {
        let (mut registry, mut text) = (Registry::default(), String::new());
        metrics.register(&mut registry);
        prometheus_text::encode(&mut text, &registry).unwrap();
        text
    }

    #[test]
    fn ended_jobs_are_counted_as_prometheus_reads_them() {
        let metrics = JobMetrics::default();
        for waited in [-5, 0, 10, 11, 3_600_000, 3_600_001] {
            fail(&metrics, waited, "timeout");
        }
        let text = text(&metrics);
        for line in [
            r#"lastcall_job_wait_seconds_bucket{service="ReportService",le="0.01"} 3"#,
            r#"lastcall_job_wait_seconds_bucket{service="ReportService",le="0.05"} 4"#,
            r#"lastcall_job_wait_seconds_bucket{service="ReportService",le="3600"} 5"#,
            r#"lastcall_job_wait_seconds_bucket{service="ReportService",le="+Inf"} 6"#,
            r#"lastcall_job_wait_seconds_count{service="ReportService"} 6"#,
            r#"lastcall_job_run_seconds_bucket{service="ReportService",le="0.5"} 6"#,
            r#"lastcall_job_run_seconds_sum{service="ReportService"} 1.5"#,
            r#"lastcall_job_run_seconds_count{service="AnalysisService"} 0"#,
            r#"lastcall_jobs_failed_total{code="timeout",service="ReportService"} 6"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }

    #[test]
    fn codes_beyond_a_bound_are_counted_together() {
        let metrics = JobMetrics::default();
        for number in 0..2 * MAX_CODES {
            fail(&metrics, 0, &format!("code_{number}"));
            fail(&metrics, 0, "code_0");
        }
        let text = text(&metrics);
        let failed = |code: &str| {
            format!("lastcall_jobs_failed_total{{code=\"{code}\",service=\"ReportService\"}}")
        };
        let count = |code: &str| {
            let line = text
                .lines()
                .find_map(|line| line.strip_prefix(&failed(code)));
            line.map(|count| count.trim().parse::<usize>().unwrap())
        };
        assert_eq!(count("code_0"), Some(2 * MAX_CODES + 1));
        assert_eq!(count("other"), Some(MAX_CODES));
        assert_eq!(count(&format!("code_{MAX_CODES}")), None);
    }
}
