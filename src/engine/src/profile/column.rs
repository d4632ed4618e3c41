//! The figures of one column.

use lastcall_domain::profile::{
    Boolean, Column, Histogram, Number, Numeric, Quantiles, Temporal, Text, TopValue,
};
use serde_json::Value;

use super::alerts::Mixture;
use crate::EngineError;
use crate::batch::{ColumnBatch, Values};
use crate::cell::{Kind, format_date, format_timestamp};
use crate::ctl::Ctl;
use crate::figures::frequent::Top;
use crate::figures::held::{Held, Values as HeldValues};
use crate::figures::histogram;
use crate::figures::moments::{Moments, Sum};
use crate::figures::quantiles::{Weighted, quantile, running};
use crate::figures::words::Words;
use crate::keys::{float_of_key, integer_of_key, key_of_float, key_of_integer};

/// The figures of one column so far.
pub(crate) struct ColumnFigures {
    kind: Kind,
    count: u64,
    missing: u64,
    mixture: Mixture,
    body: Body,
}

enum Body {
    Numbers(Box<Numbers>),
    Times(Box<Times>),
    Booleans(Boolean),
    Texts(Box<TextFigures>),
}

struct Numbers {
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

struct Times {
    held: Held,
    extremes: Extremes,
}

#[derive(Clone, Copy)]
struct Extremes {
    min: u64,
    max: u64,
}

impl Extremes {
    const NONE: Self = Self {
        min: u64::MAX,
        max: 0,
    };

    #[inline]
    fn add(&mut self, key: u64) {
        self.min = self.min.min(key);
        self.max = self.max.max(key);
    }
}

struct TextFigures {
    words: Words,
    shortest: u64,
    longest: u64,
    characters: u64,
}

impl ColumnFigures {
    /// Figures of a column of this kind in about `budget` bytes.
    pub(crate) fn new(kind: Kind, budget: usize) -> Self {
        let body = match kind {
            Kind::Integer | Kind::Float => Body::Numbers(Box::new(Numbers {
                held: Held::new(budget),
                moments: Moments::new(),
                whole_sum: 0,
                sum: Sum::default(),
                zeros: 0,
                negatives: 0,
                infinities: 0,
                extremes: Extremes::NONE,
                finite: Extremes::NONE,
            })),
            Kind::Date(_) | Kind::Timestamp(_) => Body::Times(Box::new(Times {
                held: Held::new(budget),
                extremes: Extremes::NONE,
            })),
            Kind::Boolean => Body::Booleans(Boolean::default()),
            Kind::Text => Body::Texts(Box::new(TextFigures {
                words: Words::new(budget),
                shortest: u64::MAX,
                longest: 0,
                characters: 0,
            })),
        };
        Self {
            kind,
            count: 0,
            missing: 0,
            mixture: Mixture::default(),
            body,
        }
    }

    pub(crate) fn add(&mut self, batch: &ColumnBatch, ctl: Ctl<'_>) -> Result<(), EngineError> {
        let missing = &batch.missing;
        let rows = batch.values.len();
        self.missing += missing.count() as u64;
        self.count += (rows - missing.count()) as u64;
        self.mixture.typed += batch.typed;
        self.mixture.identifiers += batch.identifiers;
        match (&mut self.body, &batch.values) {
            (Body::Numbers(numbers), Values::Integers(values)) => {
                for (_, &value) in values
                    .iter()
                    .enumerate()
                    .filter(|(row, _)| !missing.at(*row))
                {
                    numbers.extremes.add(key_of_integer(value));
                    numbers.whole_sum += i128::from(value);
                    numbers.zeros += u64::from(value == 0);
                    numbers.negatives += u64::from(value < 0);
                    numbers.moments.push(value as f64);
                }
                numbers.finite = numbers.extremes;
                let present = values
                    .iter()
                    .enumerate()
                    .filter(|(row, _)| !missing.at(*row));
                numbers
                    .held
                    .extend(present.map(|(_, &value)| key_of_integer(value)), ctl)
            }
            (Body::Numbers(numbers), Values::Floats(values)) => {
                // Missing floats are NaN.
                for &value in values.iter().filter(|value| !value.is_nan()) {
                    let key = key_of_float(value);
                    numbers.extremes.add(key);
                    numbers.zeros += u64::from(value == 0.0);
                    numbers.negatives += u64::from(value < 0.0);
                    if value.is_finite() {
                        numbers.finite.add(key);
                        numbers.sum.add(value);
                        numbers.moments.push(value);
                    } else {
                        numbers.infinities += 1;
                    }
                }
                let present = values.iter().filter(|value| !value.is_nan());
                numbers
                    .held
                    .extend(present.map(|&value| key_of_float(value)), ctl)
            }
            (Body::Times(times), Values::Integers(values)) => {
                let present = values
                    .iter()
                    .enumerate()
                    .filter(|(row, _)| !missing.at(*row));
                let keys = present.map(|(_, &value)| key_of_integer(value));
                for key in keys.clone() {
                    times.extremes.add(key);
                }
                times.held.extend(keys, ctl)
            }
            (Body::Booleans(counts), Values::Integers(values)) => {
                let trues = values.iter().filter(|&&value| value != 0).count() as u64;
                counts.trues += trues;
                counts.falses += (rows - missing.count()) as u64 - trues;
                Ok(())
            }
            (Body::Texts(figures), Values::Text(texts)) => {
                for row in (0..rows).filter(|&row| !missing.at(row)) {
                    let length = characters(texts.get(row));
                    figures.shortest = figures.shortest.min(length);
                    figures.longest = figures.longest.max(length);
                    figures.characters += length;
                    figures.words.add(texts, row, ctl)?;
                }
                Ok(())
            }
            _ => Err(EngineError::internal("a batch is not of the planned kind")),
        }
    }

    pub(crate) fn mixture(&self) -> Mixture {
        self.mixture
    }

    pub(crate) fn finish(self, name: String, ctl: Ctl<'_>) -> Result<Column, EngineError> {
        let mut column = Column {
            name,
            kind: self.kind.column_type(),
            count: self.count,
            missing: self.missing,
            distinct: 0,
            distinct_estimated: false,
            distinct_error: None,
            top: Vec::new(),
            top_estimated: false,
            top_error: None,
            numeric: None,
            text: None,
            temporal: None,
            boolean: None,
        };
        match self.body {
            Body::Numbers(numbers) => {
                let whole = self.kind == Kind::Integer;
                let to_json = |key: u64| {
                    if whole {
                        integer_of_key(key).into()
                    } else {
                        float_json(float_of_key(key))
                    }
                };
                let (figures, values) = numbers.finish(whole, self.count, ctl)?;
                column.numeric = Some(figures);
                column.set_counts(values.distinct, values.distinct_error, values.top, to_json);
            }
            Body::Times(times) => {
                let values = times.held.finish(ctl)?;
                let date = matches!(self.kind, Kind::Date(_));
                column.temporal = Some(temporal(&values, times.extremes, date));
                let to_json = |key| Value::String(format_time(integer_of_key(key), date));
                column.set_counts(values.distinct, values.distinct_error, values.top, to_json);
            }
            Body::Booleans(counts) => {
                column.boolean = Some(counts);
                let both = [(false, counts.falses), (true, counts.trues)];
                let present: Vec<_> = both.into_iter().filter(|(_, count)| *count > 0).collect();
                let distinct = present.len() as u64;
                column.set_counts(distinct, None, Top::exact(present.into_iter()), Value::Bool);
            }
            Body::Texts(figures) => {
                let some = self.count > 0;
                column.text = Some(Text {
                    min_length: some.then_some(figures.shortest),
                    max_length: some.then_some(figures.longest),
                    mean_length: some.then(|| figures.characters as f64 / self.count as f64),
                });
                let words = figures.words.finish();
                column.set_counts(words.distinct, words.distinct_error, words.top, text_json);
            }
        }
        Ok(column)
    }
}

/// Characters of UTF-8: bytes that do not continue another.
#[inline]
fn characters(text: &[u8]) -> u64 {
    text.iter().filter(|&&byte| byte & 0xc0 != 0x80).count() as u64
}

trait SetCounts {
    fn set_counts<T>(
        &mut self,
        distinct: u64,
        error: Option<f64>,
        top: Top<T>,
        to_json: impl Fn(T) -> Value,
    );
}

impl SetCounts for Column {
    fn set_counts<T>(
        &mut self,
        distinct: u64,
        error: Option<f64>,
        top: Top<T>,
        to_json: impl Fn(T) -> Value,
    ) {
        // A sketch may guess more values than there are cells.
        self.distinct = distinct.min(self.count);
        self.distinct_estimated = error.is_some();
        self.distinct_error = error;
        self.top_estimated = top.error.is_some();
        self.top_error = top.error;
        let values = top.values.into_iter();
        self.top = values
            .map(|(value, count)| TopValue {
                value: to_json(value),
                count,
            })
            .collect();
    }
}

/// JSON has no infinities: they are named.
fn float_json(value: f64) -> Value {
    serde_json::Number::from_f64(value).map_or_else(
        || Value::String(if value > 0.0 { "inf" } else { "-inf" }.into()),
        Value::Number,
    )
}

/// Texts longer than this are cut in `top`.
const LONGEST_SHOWN: usize = 1000;

fn text_json(text: Vec<u8>) -> Value {
    let text = String::from_utf8_lossy(&text);
    Value::String(match text.char_indices().nth(LONGEST_SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    })
}

fn format_time(value: i64, date: bool) -> String {
    if date {
        format_date(value)
    } else {
        format_timestamp(value)
    }
}

impl Numbers {
    fn finish(
        self,
        whole: bool,
        count: u64,
        ctl: Ctl<'_>,
    ) -> Result<(Numeric, HeldValues), EngineError> {
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

/// The finite ones of ascending values, and their counts summed up.
fn finite_part<'a>(
    weighted: &'a Weighted,
    sums: &[u64],
    infinities: u64,
    float: impl Fn(u64) -> f64,
) -> (&'a Weighted, Vec<u64>) {
    if infinities == 0 {
        return (weighted, sums.to_vec());
    }
    let start = weighted.partition_point(|&(key, _)| float(key) == f64::NEG_INFINITY);
    let end = weighted.partition_point(|&(key, _)| float(key) < f64::INFINITY);
    let part = &weighted[start..end];
    (part, running(part))
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

fn temporal(values: &HeldValues, extremes: Extremes, date: bool) -> Temporal {
    let weighted = &values.weighted;
    if weighted.is_empty() {
        return Temporal::default();
    }
    let (min, max) = (integer_of_key(extremes.min), integer_of_key(extremes.max));
    let scale = if date { 86_400_000_000 } else { 1 };
    let micros = move |key| integer_of_key(key).saturating_mul(scale);
    let sums = running(weighted);
    let estimated = values.rank_error.is_some();
    let extremes = (micros(extremes.min), micros(extremes.max));
    Temporal {
        min: Some(format_time(min, date)),
        max: Some(format_time(max, date)),
        histogram: histogram::temporal(weighted, &sums, micros, extremes, estimated),
    }
}
