//! The figures of a numeric column.

use std::borrow::Cow;

use lastcall_domain::profile::{Histogram, Number, Numeric, Quantiles};
use serde_json::Value;

use super::extremes::Extremes;
use crate::EngineError;
use crate::ctl::Ctl;
use crate::figures::held::{Held, Values as HeldValues};
use crate::figures::histogram;
use crate::figures::moments::{Moments, Sum};
use crate::figures::quantiles::{Weighted, quantile, running};
use crate::keys::{float_of_key, integer_of_key, key_of_float, key_of_integer};

/// The figures of a numeric column so far.
pub(super) struct Numbers {
    /// Integers, not floats.
    whole: bool,
    held: Held,
    moments: Moments,
    whole_sum: i128,
    sum: Sum,
    zeros: u64,
    negatives: u64,
    infinities: u64,
    /// Of all values and of the finite ones.
    extremes: Extremes,
    finite: Extremes,
}

impl Numbers {
    pub(super) fn new(whole: bool, budget: usize) -> Self {
        Self {
            whole,
            held: Held::new(budget),
            moments: Moments::new(),
            whole_sum: 0,
            sum: Sum::default(),
            zeros: 0,
            negatives: 0,
            infinities: 0,
            extremes: Extremes::NONE,
            finite: Extremes::NONE,
        }
    }

    pub(super) fn add_integers(&mut self, values: &[i64], ctl: Ctl<'_>) -> Result<(), EngineError> {
        let keys: Vec<u64> = values.iter().map(|&value| key_of_integer(value)).collect();
        let floats: Vec<f64> = values.iter().map(|&value| value as f64).collect();
        self.extremes.extend(&keys);
        self.finite = self.extremes;
        self.whole_sum += values.iter().map(|&value| i128::from(value)).sum::<i128>();
        self.zeros += count(values, |value| value == 0);
        self.negatives += count(values, |value| value < 0);
        self.moments.extend(&floats);
        self.held.extend(&keys, ctl)
    }

    /// Takes doubles none of which is NaN.
    pub(super) fn add_floats(&mut self, values: &[f64], ctl: Ctl<'_>) -> Result<(), EngineError> {
        let keys: Vec<u64> = values.iter().map(|&value| key_of_float(value)).collect();
        self.extremes.extend(&keys);
        self.zeros += count(values, |value| value == 0.0);
        self.negatives += count(values, |value| value < 0.0);
        let infinities = count(values, f64::is_infinite);
        if infinities == 0 {
            self.add_finite(values, &keys);
        } else {
            self.infinities += infinities;
            let finite: Vec<f64> = values.iter().copied().filter(|x| x.is_finite()).collect();
            let keys: Vec<u64> = finite.iter().map(|&value| key_of_float(value)).collect();
            self.add_finite(&finite, &keys);
        }
        self.held.extend(&keys, ctl)
    }

    fn add_finite(&mut self, values: &[f64], keys: &[u64]) {
        self.finite.extend(keys);
        values.iter().for_each(|&value| self.sum.add(value));
        self.moments.extend(values);
    }

    /// A value in JSON, which has no infinities: they are named.
    pub(super) fn to_json(whole: bool, key: u64) -> Value {
        if whole {
            return integer_of_key(key).into();
        }
        let value = float_of_key(key);
        serde_json::Number::from_f64(value).map_or_else(
            || Value::String(if value > 0.0 { "inf" } else { "-inf" }.into()),
            Value::Number,
        )
    }

    /// Sums up.
    pub(super) fn finish(
        self,
        count: u64,
        ctl: Ctl<'_>,
    ) -> Result<(Numeric, HeldValues), EngineError> {
        let whole = self.whole;
        let float = move |key| {
            if whole {
                integer_of_key(key) as f64
            } else {
                float_of_key(key)
            }
        };
        let number = move |key| {
            if whole {
                Number::Integer(integer_of_key(key))
            } else {
                Number::Float(float_of_key(key))
            }
        };
        let values = self.held.finish(ctl)?;
        let sums = running(&values.weighted);
        ctl.check()?;
        let estimated = values.rank_error.is_some();
        let some = count > 0;
        let finite = self.infinities == 0;
        let mut central = self.moments.finish();
        if self.finite.min == self.finite.max {
            // Rounding must not give a constant a spread.
            (central.m2, central.m3, central.m4) = (0.0, 0.0, 0.0);
        }
        let sum = if whole {
            i64::try_from(self.whole_sum)
                .map_or(Number::Float(self.whole_sum as f64), Number::Integer)
        } else {
            Number::Float(self.sum.total())
        };
        let total = if whole {
            self.whole_sum as f64
        } else {
            self.sum.total()
        };
        // A sum that overflowed does not make the mean unknown.
        let mean = total / count as f64;
        let mean = if mean.is_finite() {
            mean
        } else {
            central.mean.value()
        };
        let variance = central.variance().filter(|_| finite);
        let finite_part = finite_part(&values.weighted, &sums, self.infinities, float);
        let figures = Numeric {
            min: some.then(|| number(self.extremes.min)),
            max: some.then(|| number(self.extremes.max)),
            mean: Some(mean).filter(|mean| some && finite && mean.is_finite()),
            std: variance.map(f64::sqrt),
            variance,
            sum: Some(sum).filter(|sum| finite && sum.as_f64().is_finite()),
            skewness: central.skewness().filter(|_| finite),
            kurtosis: central.kurtosis().filter(|_| finite),
            zeros: self.zeros,
            negatives: self.negatives,
            infinities: self.infinities,
            quantiles: quantiles(&values, &sums, float),
            histogram: if finite_part.0.is_empty() {
                Histogram::default()
            } else {
                let extremes = (float(self.finite.min), float(self.finite.max));
                histogram::numeric(
                    finite_part.0,
                    &finite_part.1,
                    float,
                    extremes,
                    whole,
                    estimated,
                )
            },
        };
        Ok((figures, values))
    }
}

fn count<T: Copy>(values: &[T], what: impl Fn(T) -> bool) -> u64 {
    values.iter().map(|&value| u64::from(what(value))).sum()
}

/// The finite ones of ascending values, and their counts summed up.
fn finite_part<'a>(
    weighted: &'a Weighted,
    sums: &'a [u64],
    infinities: u64,
    float: impl Fn(u64) -> f64,
) -> (&'a Weighted, Cow<'a, [u64]>) {
    if infinities == 0 {
        return (weighted, sums.into());
    }
    let start = weighted.partition_point(|&(key, _)| float(key) == f64::NEG_INFINITY);
    let end = weighted.partition_point(|&(key, _)| float(key) < f64::INFINITY);
    let part = &weighted[start..end];
    (part, running(part).into())
}

fn quantiles(values: &HeldValues, sums: &[u64], float: impl Fn(u64) -> f64 + Copy) -> Quantiles {
    let at = |q| quantile(&values.weighted, sums, q, float);
    Quantiles {
        p01: at(0.01),
        p05: at(0.05),
        p25: at(0.25),
        p50: at(0.5),
        p75: at(0.75),
        p95: at(0.95),
        p99: at(0.99),
        estimated: values.rank_error.is_some(),
        rank_error: values.rank_error,
    }
}
