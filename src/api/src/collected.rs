//! Metrics whose values are collected on each scrape.

use std::fmt;

use prometheus_client::encoding::{EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

/// The values of one metric, each with its label values.
pub(crate) type Values<'a> = Vec<(Vec<&'a str>, f64)>;

/// From here on, not every integer is representable as a double.
const WHOLE: f64 = 9_007_199_254_740_992.0;

#[derive(Debug)]
struct Collected {
    kind: MetricType,
    samples: Vec<(Vec<(&'static str, String)>, f64)>,
}

/// Adds a gauge, with this exact `name` and `help`.
pub(crate) fn gauge(
    registry: &mut Registry,
    name: &str,
    help: &str,
    labels: &[&'static str],
    values: Values<'_>,
) {
    add(registry, MetricType::Gauge, name, help, labels, values);
}

/// Adds a counter, whose name ends in `_total`.
pub(crate) fn counter(
    registry: &mut Registry,
    name: &str,
    help: &str,
    labels: &[&'static str],
    values: Values<'_>,
) {
    // The encoder adds the suffix.
    let name = name.strip_suffix("_total").unwrap_or(name);
    add(registry, MetricType::Counter, name, help, labels, values);
}

fn add(
    registry: &mut Registry,
    kind: MetricType,
    name: &str,
    help: &str,
    labels: &[&'static str],
    values: Values<'_>,
) {
    let named = |values: Vec<&str>| -> Vec<(&'static str, String)> {
        let values = values.into_iter().map(str::to_owned);
        labels.iter().copied().zip(values).collect()
    };
    let samples = values.into_iter();
    let samples = samples.map(|(values, value)| (named(values), value));
    let metric = Collected {
        kind,
        samples: samples.collect(),
    };
    // The registry adds the period.
    registry.register(name, help.strip_suffix('.').unwrap_or(help), metric);
}

impl EncodeMetric for Collected {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> fmt::Result {
        for (labels, value) in &self.samples {
            let (mut encoder, value) = (encoder.encode_family(labels)?, *value);
            // Counters are written as integers.
            let whole = value.fract() == 0.0 && (0.0..WHOLE).contains(&value);
            match (self.kind, whole) {
                (MetricType::Counter, true) => {
                    encoder.encode_counter::<NoLabelSet, u64, f64>(&(value as u64), None)?;
                }
                (MetricType::Counter, false) => {
                    encoder.encode_counter::<NoLabelSet, f64, f64>(&value, None)?;
                }
                (_, true) => encoder.encode_gauge(&(value as u64))?,
                (_, false) => encoder.encode_gauge(&value)?,
            }
        }
        Ok(())
    }

    fn metric_type(&self) -> MetricType {
        self.kind
    }

    fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use prometheus_client::encoding::{prometheus_text, text};

    use super::*;

    fn registry() -> Registry {
        let mut registry = Registry::default();
        let values = vec![(vec!["a\"b"], 3.0), (vec!["c"], 0.25)];
        counter(&mut registry, "work_total", "Work.", &["kind"], values);
        gauge(&mut registry, "up", "Whether.", &[], vec![(vec![], 1.0)]);
        gauge(&mut registry, "none", "Nothing.", &["kind"], vec![]);
        gauge(&mut registry, "big", "Big", &[], vec![(vec![], 1e300)]);
        registry
    }

    #[test]
    fn prometheus_reads_the_names_that_are_given_here() {
        let mut written = String::new();
        prometheus_text::encode(&mut written, &registry()).unwrap();
        let expected = "# HELP work_total Work.\n# TYPE work_total counter\n\
            work_total{kind=\"a\\\"b\"} 3\nwork_total{kind=\"c\"} 0.25\n\
            # HELP up Whether.\n# TYPE up gauge\nup 1\n\
            # HELP big Big.\n# TYPE big gauge\nbig 1e300\n";
        assert_eq!(written, expected);
    }

    #[test]
    fn open_metrics_names_a_family_of_counters_without_its_ending() {
        let mut written = String::new();
        text::encode(&mut written, &registry()).unwrap();
        assert!(written.starts_with("# HELP work Work.\n# TYPE work counter\nwork_total{"));
        assert!(written.ends_with("big 1e300\n# EOF\n"), "{written}");
    }
}
