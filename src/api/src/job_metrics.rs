//! Metrics of jobs that ended in this process: how long they waited and ran, and why they failed.

use lastcall_actors::{DurationCounts, EndedJobs, ServiceStatus, SystemStatus};
use prometheus::proto::{Bucket, Counter, Histogram, LabelPair, Metric, MetricFamily, MetricType};

/// All of them, by service.
pub(crate) fn gather(status: &SystemStatus) -> Vec<MetricFamily> {
    let services = || status.services.iter().filter(|service| service.slots > 0);
    let durations = |of: fn(&EndedJobs) -> DurationCounts| {
        services()
            .map(|service| duration(service, of(&service.ended)))
            .collect()
    };
    let failed = services().flat_map(|service| {
        let failed = service.ended.failed.iter();
        failed.map(|(code, count)| failures(service, code, *count))
    });
    vec![
        family(
            "lastcall_job_wait_seconds",
            "Time from a job's acceptance to the start of its last attempt.",
            MetricType::HISTOGRAM,
            durations(|ended| ended.waited),
        ),
        family(
            "lastcall_job_run_seconds",
            "Time from the start of a job's last attempt to its end.",
            MetricType::HISTOGRAM,
            durations(|ended| ended.ran),
        ),
        family(
            "lastcall_jobs_failed_total",
            "Jobs that failed, by the code of their error.",
            MetricType::COUNTER,
            failed.collect(),
        ),
    ]
}

fn family(name: &str, help: &str, kind: MetricType, metrics: Vec<Metric>) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    family.set_field_type(kind);
    family.set_metric(metrics);
    family
}

fn label(name: &str, value: &str) -> LabelPair {
    let mut label = LabelPair::default();
    label.set_name(name.to_owned());
    label.set_value(value.to_owned());
    label
}

fn duration(service: &ServiceStatus, durations: DurationCounts) -> Metric {
    let mut below = 0;
    let bounds = DurationCounts::BOUNDS.iter().zip(durations.counts);
    let buckets = bounds.map(|(bound, count)| {
        below += count;
        let mut bucket = Bucket::default();
        bucket.set_upper_bound(*bound);
        bucket.set_cumulative_count(below);
        bucket
    });
    let mut histogram = Histogram::default();
    histogram.set_bucket(buckets.collect());
    histogram.set_sample_count(durations.counts.iter().sum());
    histogram.set_sample_sum(durations.sum_ms as f64 / 1000.0);
    let mut metric = Metric::from_label(vec![label("service", &service.name)]);
    metric.set_histogram(histogram);
    metric
}

fn failures(service: &ServiceStatus, code: &str, count: u64) -> Metric {
    let mut counter = Counter::default();
    counter.set_value(count as f64);
    let labels = vec![label("code", code), label("service", &service.name)];
    let mut metric = Metric::from_label(labels);
    metric.set_counter(counter);
    metric
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use prometheus::TextEncoder;

    use super::*;

    #[test]
    fn ended_jobs_are_told_as_prometheus_reads_them() {
        let mut service = ServiceStatus {
            name: "ReportService".into(),
            slots: 4,
            ..ServiceStatus::default()
        };
        service.ended.waited.counts[0] = 2;
        service.ended.waited.counts[12] = 1;
        service.ended.waited.sum_ms = 4_000_500;
        service.ended.failed.insert("timeout".into(), 3);
        let status = SystemStatus {
            phase: lastcall_actors::Phase::Running,
            services: vec![service, ServiceStatus::default()],
            abandoned_threads: Vec::new(),
            dependencies: Vec::new(),
        };
        let text = TextEncoder::new()
            .encode_to_string(&gather(&status))
            .unwrap();
        for line in [
            r#"lastcall_job_wait_seconds_bucket{service="ReportService",le="0.01"} 2"#,
            r#"lastcall_job_wait_seconds_bucket{service="ReportService",le="3600"} 2"#,
            r#"lastcall_job_wait_seconds_bucket{service="ReportService",le="+Inf"} 3"#,
            r#"lastcall_job_wait_seconds_sum{service="ReportService"} 4000.5"#,
            r#"lastcall_job_run_seconds_count{service="ReportService"} 0"#,
            r#"lastcall_jobs_failed_total{code="timeout",service="ReportService"} 3"#,
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
