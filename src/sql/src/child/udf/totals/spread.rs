//! The variance of integers and decimals. The first value is subtracted from all before they
//! become floats, which cannot represent the differences of large numbers.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, Float64Array, Int64Array};
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type};
use datafusion::error::Result;

use super::total::{Outcome, Total, overflow};

/// Distances from an origin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spread {
    count: i64,
    origin: i128,
    /// The sums of the distances and of their squares, while both fit.
    exact: Option<(i128, i128)>,
    /// The mean distance, and the sum of squared deviations from it (Welford).
    mean: f64,
    squares: f64,
}

impl Default for Spread {
    fn default() -> Self {
        Self {
            count: 0,
            origin: 0,
            exact: Some((0, 0)),
            mean: 0.0,
            squares: 0.0,
        }
    }
}

impl Spread {
    fn distance_of(&self, value: i128) -> Result<i128> {
        value.checked_sub(self.origin).ok_or_else(overflow)
    }

    /// The sum of squared deviations from the mean.
    fn spread(&self) -> f64 {
        let exact = self.exact.and_then(|(sum, squares)| {
            let times = i128::from(self.count).checked_mul(squares)?;
            Some(times.checked_sub(sum.checked_mul(sum)?)? as f64 / self.count as f64)
        });
        exact.unwrap_or(self.squares)
    }
}

impl Total for Spread {
    type Of = Decimal128Type;
    const STORED: &'static [DataType] = &[
        DataType::Int64,
        DataType::Decimal128(38, 0),
        DataType::Decimal128(38, 0),
        DataType::Decimal128(38, 0),
        DataType::Float64,
        DataType::Float64,
    ];

    fn add(&mut self, value: i128) -> Result<()> {
        if self.count == 0 {
            self.origin = value;
        }
        let distance = self.distance_of(value)?;
        self.exact = self.exact.and_then(|(sum, squares)| {
            let square = distance.checked_mul(distance)?;
            Some((sum.checked_add(distance)?, squares.checked_add(square)?))
        });
        let distance = distance as f64;
        self.count += 1;
        let before = distance - self.mean;
        self.mean += before / self.count as f64;
        self.squares += before * (distance - self.mean);
        Ok(())
    }

    fn take(&mut self, value: i128) -> Result<()> {
        let distance = self.distance_of(value)?;
        self.count -= 1;
        if self.count <= 0 {
            *self = Self::default();
            return Ok(());
        }
        self.exact = self.exact.and_then(|(sum, squares)| {
            let square = distance.checked_mul(distance)?;
            Some((sum.checked_sub(distance)?, squares.checked_sub(square)?))
        });
        let distance = distance as f64;
        let before = distance - self.mean;
        self.mean -= before / self.count as f64;
        self.squares = (self.squares - before * (distance - self.mean)).max(0.0);
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        if other.count == 0 {
            return Ok(());
        }
        if self.count == 0 {
            *self = *other;
            return Ok(());
        }
        let shift = self.distance_of(other.origin)?;
        self.exact = self.exact.zip(other.exact).and_then(|(own, others)| {
            let shifted = i128::from(other.count).checked_mul(shift)?;
            let sum = own.0.checked_add(others.0.checked_add(shifted)?)?;
            let twice = others.0.checked_mul(2)?.checked_add(shifted)?;
            let squares = others.1.checked_add(twice.checked_mul(shift)?)?;
            Some((sum, own.1.checked_add(squares)?))
        });
        let between = shift as f64 + other.mean - self.mean;
        let (a, b) = (self.count as f64, other.count as f64);
        self.mean += between * b / (a + b);
        self.squares += other.squares + between * between * a * b / (a + b);
        self.count += other.count;
        Ok(())
    }

    fn outcomes(outcome: Outcome, totals: &[Self], _: &[u64]) -> Result<ArrayRef> {
        let spread = |total: &Self| {
            let Outcome::Spread {
                scale,
                population,
                root,
            } = outcome
            else {
                return None;
            };
            let degrees = if population {
                total.count
            } else {
                total.count - 1
            };
            if degrees <= 0 {
                return None;
            }
            let variance = total.spread() / degrees as f64;
            let unit = 10_f64.powi(i32::from(scale));
            Some(if root {
                variance.sqrt() / unit
            } else {
                variance / unit / unit
            })
        };
        let spreads = totals.iter().map(spread);
        Ok(Arc::new(spreads.collect::<Float64Array>()))
    }

    fn store(totals: &[Self]) -> Vec<ArrayRef> {
        let large = |numbers: Decimal128Array| -> ArrayRef {
            Arc::new(numbers.with_data_type(Self::STORED[1].clone()))
        };
        let origins = totals.iter().map(|total| total.origin);
        let origins = Decimal128Array::from_iter_values(origins);
        let exact = totals.iter().map(|total| total.exact.map(|exact| exact.0));
        let sums: Decimal128Array = exact.collect();
        let exact = totals.iter().map(|total| total.exact.map(|exact| exact.1));
        let exact: Decimal128Array = exact.collect();
        let counts = totals.iter().map(|total| total.count);
        let means = totals.iter().map(|total| total.mean);
        let squares = totals.iter().map(|total| total.squares);
        vec![
            Arc::new(Int64Array::from_iter_values(counts)),
            large(origins),
            large(sums),
            large(exact),
            Arc::new(Float64Array::from_iter_values(means)),
            Arc::new(Float64Array::from_iter_values(squares)),
        ]
    }

    fn load(stored: &[ArrayRef], row: usize) -> Self {
        let [counts, origins, sums, exact, means, squares] = stored else {
            return Self::default();
        };
        let large = |array: &ArrayRef| {
            let numbers = array.as_primitive::<Decimal128Type>();
            numbers.is_valid(row).then(|| numbers.value(row))
        };
        Self {
            count: counts.as_primitive::<Int64Type>().value(row),
            origin: large(origins).unwrap_or_default(),
            exact: large(sums).zip(large(exact)),
            mean: means.as_primitive::<Float64Type>().value(row),
            squares: squares.as_primitive::<Float64Type>().value(row),
        }
    }

    fn key(value: i128) -> i128 {
        value
    }

    fn of_key(key: i128) -> i128 {
        key
    }
}
