//! Histograms of durations. Each bucket has an exemplar: the last duration in it that belongs to a
//! recorded trace, so that a dashboard can link to slow requests.

use std::fmt::{self, Write as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lastcall_domain::trace::TraceId;
use prometheus_client::encoding::{
    EncodeLabelSet, EncodeLabelValue, EncodeMetric, LabelValueEncoder, MetricEncoder,
};
use prometheus_client::metrics::exemplar::HistogramWithExemplars;
use prometheus_client::metrics::{MetricType, TypedMetric};

/// A histogram of durations, in seconds.
#[derive(Clone, Debug)]
pub(crate) struct Latency(HistogramWithExemplars<Exemplar>);

/// The labels of an exemplar.
#[derive(Clone, Debug, EncodeLabelSet)]
struct Exemplar {
    trace_id: Trace,
}

#[derive(Clone, Debug)]
struct Trace(TraceId);

impl EncodeLabelValue for Trace {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        write!(encoder, "{}", self.0)
    }
}

impl Latency {
    /// An empty histogram. `bounds` are the upper bounds of the buckets, in seconds, ascending.
    pub(crate) fn new(bounds: &[f64]) -> Self {
        Self(HistogramWithExemplars::new(bounds.iter().copied()))
    }

    /// Adds a duration. `trace` is the trace that it belongs to, if recorded.
    pub(crate) fn observe(&self, duration: Duration, trace: Option<TraceId>) {
        let exemplar = trace.map(|trace| Exemplar {
            trace_id: Trace(trace),
        });
        // The encoder cannot write a time before 1970.
        let time = exemplar.as_ref().map(|_| SystemTime::now());
        let time = time.filter(|time| *time >= UNIX_EPOCH);
        self.0.observe(duration.as_secs_f64(), exemplar, time);
    }
}

impl EncodeMetric for Latency {
    fn encode(&self, encoder: MetricEncoder<'_>) -> fmt::Result {
        self.0.encode(encoder)
    }

    fn metric_type(&self) -> MetricType {
        Self::TYPE
    }
}

impl TypedMetric for Latency {
    const TYPE: MetricType = MetricType::Histogram;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use prometheus_client::encoding::text;
    use prometheus_client::registry::Registry;

    use super::*;

    fn buckets(latency: &Latency) -> Vec<String> {
        let (mut registry, mut written) = (Registry::default(), String::new());
        registry.register("took", "How long", latency.clone());
        text::encode(&mut written, &registry).unwrap();
        let lines = written.lines();
        let lines = lines.filter_map(|line| line.strip_prefix("took_bucket"));
        lines.map(str::to_owned).collect()
    }

    #[test]
    fn a_bucket_keeps_the_last_exemplar_and_no_other() {
        let latency = Latency::new(&[1.0, 2.0]);
        let trace = |last: u8| TraceId::from_bytes([last; 16]);
        for number in 1..=100 {
            latency.observe(Duration::from_millis(10 * u64::from(number)), trace(number));
        }
        latency.observe(Duration::from_millis(500), None);
        latency.observe(Duration::from_secs(60), trace(0xab));
        let found = buckets(&latency);
        let last = format!(
            r#"{{le="1.0"}} 101 # {{trace_id="{}"}} 1.0 "#,
            "64".repeat(16)
        );
        assert!(found[0].starts_with(&last), "{found:#?}");
        assert_eq!(found[1], r#"{le="2.0"} 101"#);
        let beyond = format!(
            r#"{{le="+Inf"}} 102 # {{trace_id="{}"}} 60.0 "#,
            "ab".repeat(16)
        );
        assert!(found[2].starts_with(&beyond), "{found:#?}");
    }
}
