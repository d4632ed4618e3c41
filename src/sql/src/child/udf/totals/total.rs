//! Totals that support adding, removing and merging.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Decimal128Array, Float64Array};
use arrow::datatypes::{ArrowPrimitiveType, DataType, Decimal128Type, Float64Type};
use datafusion::common::{ScalarValue, internal_err};
use datafusion::error::Result;

use super::super::digits::BEYOND;
use super::super::sliding::Merged;

/// The aggregate that is computed from a total.
#[derive(Clone, Copy, Debug)]
pub(in super::super) enum Outcome {
    /// The total, with the scale of the values.
    Sum { scale: i8 },
    /// The total divided by the count and by 10 to the power of the scale.
    Mean { scale: i8 },
    /// The variance of a sample or a population, or its square root.
    Spread {
        scale: i8,
        population: bool,
        root: bool,
    },
}

type Value<T> = <<T as Total>::Of as ArrowPrimitiveType>::Native;

/// A total of values of one type.
pub(in super::super) trait Total:
    Clone + std::fmt::Debug + Default + Send + Sync + 'static
{
    /// The type of the values.
    type Of: ArrowPrimitiveType;
    /// The types of the arrays that a total is stored in.
    const STORED: &'static [DataType];

    fn add(&mut self, value: Value<Self>) -> Result<()>;
    /// Removes a value that was added.
    fn take(&mut self, value: Value<Self>) -> Result<()>;
    fn merge(&mut self, other: &Self) -> Result<()>;
    /// The results of totals of `counts` values; null for none.
    fn outcomes(outcome: Outcome, totals: &[Self], counts: &[u64]) -> Result<ArrayRef>;
    fn store(totals: &[Self]) -> Vec<ArrayRef>;
    fn load(stored: &[ArrayRef], row: usize) -> Self;
    /// The bits that distinguish values.
    fn key(value: Value<Self>) -> i128;
    fn of_key(key: i128) -> Value<Self>;
}

impl<T: Total> Merged for T
where
    Value<T>: std::fmt::Debug,
{
    type Row = Value<T>;
    type Outcome = Outcome;

    fn rows(columns: &[ArrayRef]) -> Result<Vec<Value<T>>> {
        let [values] = columns else {
            return internal_err!("a total is of one argument");
        };
        Ok(values.as_primitive::<T::Of>().iter().flatten().collect())
    }

    fn with(&mut self, value: Value<T>) -> Result<()> {
        self.add(value)
    }

    fn join(&mut self, other: &Self) -> Result<()> {
        self.merge(other)
    }

    fn result(self, outcome: &Outcome, rows: u64) -> Result<ScalarValue> {
        let outcomes = T::outcomes(*outcome, &[self], &[rows])?;
        ScalarValue::try_from_array(&outcomes, 0)
    }
}

/// Integers and decimals, exactly.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Exact(i128);

impl Exact {
    fn mean(&self, scale: i8, count: u64) -> f64 {
        let shift = 10_i128.checked_pow(u32::try_from(scale).unwrap_or(0));
        match shift.and_then(|shift| shift.checked_mul(i128::from(count))) {
            Some(divisor) => {
                // Integer part and remainder are divided separately to keep all digits.
                (self.0 / divisor) as f64 + (self.0 % divisor) as f64 / divisor as f64
            }
            None => self.0 as f64 / count as f64 / 10_f64.powi(i32::from(scale)),
        }
    }
}

pub(super) fn overflow() -> datafusion::error::DataFusionError {
    datafusion::common::exec_datafusion_err!("out of range: the total has more than 38 digits")
}

impl Total for Exact {
    type Of = Decimal128Type;
    const STORED: &'static [DataType] = &[DataType::Decimal128(38, 0)];

    fn add(&mut self, value: i128) -> Result<()> {
        self.0 = self.0.checked_add(value).ok_or_else(overflow)?;
        Ok(())
    }

    fn take(&mut self, value: i128) -> Result<()> {
        self.0 = self.0.checked_sub(value).ok_or_else(overflow)?;
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        self.add(other.0)
    }

    fn outcomes(outcome: Outcome, totals: &[Self], counts: &[u64]) -> Result<ArrayRef> {
        let each = totals.iter().zip(counts);
        match outcome {
            Outcome::Sum { scale } => {
                let sums = each.map(|(total, count)| match count {
                    0 => Ok(None),
                    _ if total.0.unsigned_abs() < BEYOND => Ok(Some(total.0)),
                    _ => Err(overflow()),
                });
                let sums: Decimal128Array = sums.collect::<Result<_>>()?;
                Ok(Arc::new(sums.with_precision_and_scale(38, scale)?))
            }
            Outcome::Mean { scale } => {
                let means =
                    each.map(|(total, &count)| (count > 0).then(|| total.mean(scale, count)));
                Ok(Arc::new(means.collect::<Float64Array>()))
            }
            Outcome::Spread { .. } => internal_err!("a total has no variance"),
        }
    }

    fn store(totals: &[Self]) -> Vec<ArrayRef> {
        let values = totals.iter().map(|total| total.0);
        let stored = Decimal128Array::from_iter_values(values);
        vec![Arc::new(stored.with_data_type(Self::STORED[0].clone()))]
    }

    fn load(stored: &[ArrayRef], row: usize) -> Self {
        Self(
            stored
                .first()
                .map_or(0, |array| array.as_primitive::<Decimal128Type>().value(row)),
        )
    }

    fn key(value: i128) -> i128 {
        value
    }

    fn of_key(key: i128) -> i128 {
        key
    }
}

/// Floats with compensated summation (Neumaier). Infinities and NaN are counted, so that they can
/// be removed from a sliding window.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Float {
    sum: f64,
    rest: f64,
    nan: i64,
    infinite: i64,
    negative: i64,
}

impl Float {
    fn step(&mut self, value: f64, times: i64) {
        if value.is_finite() {
            let value = value * times as f64;
            let sum = self.sum + value;
            self.rest += if self.sum.abs() >= value.abs() {
                (self.sum - sum) + value
            } else {
                (value - sum) + self.sum
            };
            self.sum = sum;
        } else if value.is_nan() {
            self.nan += times;
        } else if value > 0.0 {
            self.infinite += times;
        } else {
            self.negative += times;
        }
    }

    fn value(&self) -> f64 {
        match (self.nan > 0, self.infinite > 0, self.negative > 0) {
            (false, false, false) => {
                let sum = self.sum + self.rest;
                // After an overflow the compensation is NaN.
                if sum.is_nan() { self.sum } else { sum + 0.0 }
            }
            (false, true, false) => f64::INFINITY,
            (false, false, true) => f64::NEG_INFINITY,
            _ => f64::NAN,
        }
    }
}

impl Total for Float {
    type Of = Float64Type;
    const STORED: &'static [DataType] = &[DataType::Float64, DataType::Float64];

    fn add(&mut self, value: f64) -> Result<()> {
        self.step(value, 1);
        Ok(())
    }

    fn take(&mut self, value: f64) -> Result<()> {
        self.step(value, -1);
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        self.step(other.sum, 1);
        self.rest += other.rest;
        self.nan += other.nan;
        self.infinite += other.infinite;
        self.negative += other.negative;
        Ok(())
    }

    fn outcomes(outcome: Outcome, totals: &[Self], counts: &[u64]) -> Result<ArrayRef> {
        let each = totals.iter().zip(counts).map(|(total, &count)| {
            (count > 0).then(|| match outcome {
                Outcome::Sum { .. } => total.value(),
                Outcome::Mean { .. } | Outcome::Spread { .. } => total.value() / count as f64,
            })
        });
        Ok(Arc::new(each.collect::<Float64Array>()))
    }

    fn store(totals: &[Self]) -> Vec<ArrayRef> {
        // Infinities and NaN are kept in the sum.
        let sums = totals.iter().map(|total| {
            let value = total.value();
            if value.is_finite() { total.sum } else { value }
        });
        let rests = totals.iter().map(|total| total.rest);
        vec![
            Arc::new(Float64Array::from_iter_values(sums)),
            Arc::new(Float64Array::from_iter_values(rests)),
        ]
    }

    fn load(stored: &[ArrayRef], row: usize) -> Self {
        let value = |index: usize| {
            stored
                .get(index)
                .map_or(0.0, |array| array.as_primitive::<Float64Type>().value(row))
        };
        let mut total = Self::default();
        total.step(value(0), 1);
        total.rest += value(1);
        total
    }

    fn key(value: f64) -> i128 {
        let one = if value.is_nan() {
            f64::NAN
        } else {
            value + 0.0
        };
        i128::from(one.to_bits())
    }

    fn of_key(key: i128) -> f64 {
        f64::from_bits(key as u64)
    }
}
