//! The statistics of a column of doubles.

use std::borrow::Cow;

use lastcall_domain::profile::{Histogram, Number, Numeric, Quantiles, SortOrder};
use serde_json::Value;

use super::extreme_values::ExtremeValues;
use crate::EngineError;
use crate::batch::Missing;
use crate::job::JobContext;
use crate::keys::{float_of_key, key_of_float};
use crate::stats::histogram;
use crate::stats::moments::{Moments, Sum};
use crate::stats::quantile_sketch::{Weighted, median_distance, quantile, running};
use crate::stats::value_counts::{ValueCounts, Values as HeldValues};

/// The statistics of a column of doubles so far.
pub(super) struct Numbers {
    held: ValueCounts,
    moments: Moments,
    sum: Sum,
    zeros: u64,
    negatives: u64,
    infinities: u64,
    extreme_values: ExtremeValues,
}

impl Numbers {
    pub(super) fn new(budget: usize, seed: u64) -> Self {
        Self {
            held: ValueCounts::new(budget, seed),
            moments: Moments::new(),
            sum: Sum::default(),
            zeros: 0,
            negatives: 0,
            infinities: 0,
            // JSON has no number for an infinity.
            extreme_values: ExtremeValues::naming((key_of_float(f64::MIN), key_of_float(f64::MAX))),
        }
    }

    /// Adds the doubles of a batch, which must not be NaN.
    pub(super) fn add(
        &mut self,
        values: &[f64],
        (missing, rows): (&Missing, usize),
        context: JobContext<'_>,
    ) -> Result<(), EngineError> {
        let keys: Vec<u64> = values.iter().map(|&value| key_of_float(value)).collect();
        self.extreme_values.extend(&keys, missing, rows);
        self.zeros += count(values, |value| value == 0.0);
        self.negatives += count(values, |value| value < 0.0);
        let infinities = count(values, f64::is_infinite);
        if infinities == 0 {
            self.add_finite(values);
        } else {
            self.infinities += infinities;
            let finite: Vec<f64> = values.iter().copied().filter(|x| x.is_finite()).collect();
            self.add_finite(&finite);
        }
        self.held.extend(&keys, context)
    }

    fn add_finite(&mut self, values: &[f64]) {
        self.sum.extend(values);
        self.moments.extend(values);
    }

    pub(super) fn sorted(&self) -> Option<SortOrder> {
        self.extreme_values.sorted()
    }

    /// A value in JSON, which has no infinities: they are named.
    pub(super) fn to_json(key: u64) -> Value {
        let value = float_of_key(key);
        serde_json::Number::from_f64(value).map_or_else(
            || Value::String(if value > 0.0 { "inf" } else { "-inf" }.into()),
            Value::Number,
        )
    }

    /// Computes the final statistics.
    pub(super) fn finish(
        self,
        count: u64,
        context: JobContext<'_>,
    ) -> Result<(Numeric, HeldValues), EngineError> {
        let number = |key| Number::Float(float_of_key(key));
        let values = self.held.finish(context)?;
        let sums = running(&values.weighted);
        context.check()?;
        let some = count > 0;
        let finite = self.infinities == 0;
        let mut central = self.moments.finish();
        let (least, greatest) = self.extreme_values.range().unwrap_or_default();
        if least == greatest {
            central = central.of_a_constant();
        }
        let mean = self.sum.divided(count as f64);
        let variance = central.variance().filter(|_| finite);
        let quantiles = quantiles(&values, |percent| {
            let at = f64::from(percent) / 100.0;
            quantile(&values.weighted, &sums, at, float_of_key).map(Number::Float)
        });
        let (lowest, highest) = self.extreme_values.extremes(number);
        let spread = |low: Number, high: Number| high.as_f64() - low.as_f64();
        let iqr = quantiles.p25.zip(quantiles.p75);
        let iqr = iqr.map(|(low, high)| spread(low, high));
        let finite_part = finite_part(&values.weighted, &sums, self.infinities);
        let figures = Numeric {
            min: some.then(|| number(self.extreme_values.min)),
            max: some.then(|| number(self.extreme_values.max)),
            mean: Some(mean).filter(|mean| some && finite && mean.is_finite()),
            std: variance.map(f64::sqrt),
            variance,
            sum: Some(self.sum.total())
                .filter(|sum| finite && sum.is_finite())
                .map(Number::Float),
            skewness: central.skewness().filter(|_| finite),
            kurtosis: central.kurtosis().filter(|_| finite),
            zeros: self.zeros,
            negatives: self.negatives,
            infinities: self.infinities,
            quantiles,
            iqr: iqr.filter(|iqr| iqr.is_finite()).map(Number::Float),
            mad: median_distance(finite_part.0, &finite_part.1, float_of_key)
                .filter(|_| finite)
                .map(Number::Float),
            cv: variation(variance.map(f64::sqrt), mean),
            lowest,
            highest,
            histogram: if finite_part.0.is_empty() {
                Histogram::default()
            } else {
                histogram::numeric(
                    finite_part.0,
                    &finite_part.1,
                    float_of_key,
                    (float_of_key(least), float_of_key(greatest)),
                    values.rank_error.is_some(),
                )
            },
        };
        Ok((figures, values))
    }
}

/// How many of the values are so.
pub(super) fn count<T: Copy>(values: &[T], what: impl Fn(T) -> bool) -> u64 {
    values.iter().map(|&value| u64::from(what(value))).sum()
}

/// The finite part of ascending values, and its total count.
fn finite_part<'a>(
    weighted: &'a Weighted,
    sums: &'a [u64],
    infinities: u64,
) -> (&'a Weighted, Cow<'a, [u64]>) {
    if infinities == 0 {
        return (weighted, sums.into());
    }
    let start = weighted.partition_point(|&(key, _)| float_of_key(key) == f64::NEG_INFINITY);
    let end = weighted.partition_point(|&(key, _)| float_of_key(key) < f64::INFINITY);
    let part = &weighted[start..end];
    (part, running(part).into())
}

/// The standard deviation divided by the magnitude of the mean.
pub(super) fn variation(std: Option<f64>, mean: f64) -> Option<f64> {
    std.map(|std| std / mean.abs()).filter(|cv| cv.is_finite())
}

/// The quantiles that a profile has.
pub(super) fn quantiles<K>(
    values: &HeldValues<K>,
    at: impl Fn(u32) -> Option<Number>,
) -> Quantiles {
    Quantiles {
        p01: at(1),
        p05: at(5),
        p25: at(25),
        p50: at(50),
        p75: at(75),
        p95: at(95),
        p99: at(99),
        estimated: values.rank_error.is_some(),
        rank_error: values.rank_error,
    }
}
