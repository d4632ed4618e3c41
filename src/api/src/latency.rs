//! Histograms of durations, each bucket with an example: the last duration in it that belongs to a
//! recorded trace. A dashboard leads from there to what was slow.

use std::fmt::{self, Write as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lastcall_domain::trace::TraceId;
use prometheus_client::encoding::{
    EncodeLabelSet, EncodeLabelValue, EncodeMetric, LabelValueEncoder, MetricEncoder,
};
use prometheus_client::metrics::exemplar::HistogramWithExemplars;
use prometheus_client::metrics::{MetricType, TypedMetric};

/// How many durations, in seconds, were how long.
#[derive(Clone, Debug)]
pub(crate) struct Latency(HistogramWithExemplars<Exemplar>);

/// What an exemplar says of its duration.
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
    /// None yet. `bounds` are the upper bounds of the buckets, in seconds, ascending.
    pub(crate) fn new(bounds: &[f64]) -> Self {
        Self(HistogramWithExemplars::new(bounds.iter().copied()))
    }

    /// Counts a duration. `trace` is the one that it belongs to, where that is recorded.
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
