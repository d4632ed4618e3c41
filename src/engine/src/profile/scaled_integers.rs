//! The exact statistics of a column of integers or decimals, which are integers scaled by a power
//! of ten.

use lastcall_domain::profile::{Number, Numeric, SortOrder};

use super::extreme_values::ExtremeValues;
use super::numbers::{count, quantiles, variation};
use crate::EngineError;
use crate::batch::Missing;
use crate::job::JobContext;
use crate::keys::{Key, digits_of_key, integer_of_key, key_of_digits, key_of_integer};
use crate::stats::histogram;
use crate::stats::moments::{Whole, WholeMoments};
use crate::stats::quantile_sketch::{difference, percentile, running, whole_median_distance};
use crate::stats::value_counts::{ValueCounts, Values as HeldValues};

/// An integer with a key.
pub(super) trait Digits: Whole + Into<i128> + PartialOrd + Default {
    type Key: Key;
    fn key(self) -> Self::Key;
    /// The value of a key.
    fn of_key(key: Self::Key) -> i128;
    /// The sum of some values, where 128 bits hold it.
    fn sum(values: &[Self]) -> Option<i128>;
}

impl Digits for i64 {
    type Key = u64;

    #[inline]
    fn key(self) -> u64 {
        key_of_integer(self)
    }

    fn of_key(key: u64) -> i128 {
        integer_of_key(key).into()
    }

    fn sum(values: &[i64]) -> Option<i128> {
        // No memory holds so many values of 64 bits that their sum does not fit.
        Some(values.iter().map(|&value| i128::from(value)).sum())
    }
}

impl Digits for i128 {
    type Key = u128;

    #[inline]
    fn key(self) -> u128 {
        key_of_digits(self)
    }

    fn of_key(key: u128) -> i128 {
        digits_of_key(key)
    }

    fn sum(values: &[i128]) -> Option<i128> {
        values
            .iter()
            .try_fold(0, |sum: i128, &value| sum.checked_add(value))
    }
}

/// Beyond this, doubles do not represent every integer.
const EXACT: u128 = 1 << 53;

/// The statistics of such a column so far.
pub(super) struct ScaledIntegers<T: Digits> {
    /// The scale: the numbers are divided by 10^`scale`.
    scale: u8,
    held: ValueCounts<T::Key>,
    moments: WholeMoments<T>,
    /// The sum while it fits.
    sum: Option<i128>,
    rough_sum: f64,
    zeros: u64,
    negatives: u64,
    extreme_values: ExtremeValues<T::Key>,
}

impl<T: Digits> ScaledIntegers<T> {
    pub(super) fn new(budget: usize, seed: u64) -> Self {
        Self {
            scale: 0,
            held: ValueCounts::new(budget, seed),
            moments: WholeMoments::new(),
            sum: Some(0),
            rough_sum: 0.0,
            zeros: 0,
            negatives: 0,
            extreme_values: ExtremeValues::new(),
        }
    }

    /// Adds the numbers of a batch, all of this scale.
    pub(super) fn add(
        &mut self,
        values: &[T],
        scale: u8,
        (missing, rows): (&Missing, usize),
        context: JobContext<'_>,
    ) -> Result<(), EngineError> {
        self.scale = scale;
        let keys: Vec<T::Key> = values.iter().map(|value| value.key()).collect();
        self.extreme_values.extend(&keys, missing, rows);
        self.add_up(values);
        let zero = T::default();
        self.zeros += count(values, |value| value == zero);
        self.negatives += count(values, |value| value < zero);
        self.moments.extend(values);
        self.held.extend(&keys, context)
    }

    fn add_up(&mut self, values: &[T]) {
        let sum = T::sum(values);
        self.sum = match (self.sum, sum) {
            (Some(before), Some(sum)) => before.checked_add(sum),
            _ => None,
        };
        self.rough_sum += match sum {
            Some(sum) => sum as f64,
            None => values.iter().map(|value| value.nearest().0).sum(),
        };
    }

    /// A value with all digits.
    pub(super) fn number(key: T::Key, scale: u8) -> Number {
        Number::decimal(T::of_key(key), scale)
    }

    pub(super) fn sorted(&self) -> Option<SortOrder> {
        self.extreme_values.sorted()
    }

    pub(super) fn scale(&self) -> u8 {
        self.scale
    }

    /// Computes the final statistics.
    pub(super) fn finish(
        self,
        count: u64,
        context: JobContext<'_>,
    ) -> Result<(Numeric, HeldValues<T::Key>), EngineError> {
        let scale = self.scale;
        let power = 10f64.powi(scale.into());
        let values = self.held.finish(context)?;
        let sums = running(&values.weighted);
        context.check()?;
        let estimated = values.rank_error.is_some();
        let some = count > 0;
        let mut central = self.moments.finish();
        let ExtremeValues { min, max, .. } = self.extreme_values;
        if min == max {
            central = central.of_a_constant();
        }
        let variance = central.variance().map(|variance| variance / power / power);
        let mean = match self.sum {
            Some(sum) => mean(sum, count.max(1), scale),
            None => self.rough_sum / count as f64 / power,
        };
        let number = |key| Self::number(key, scale);
        let (lowest, highest) = self.extreme_values.extremes(number);
        let figures = Numeric {
            min: some.then(|| Self::number(min, scale)),
            max: some.then(|| Self::number(max, scale)),
            mean: some.then_some(mean),
            std: variance.map(f64::sqrt),
            variance,
            sum: Some(match self.sum {
                Some(sum) => Number::decimal(sum, scale),
                None => Number::Float(self.rough_sum / power),
            }),
            skewness: central.skewness(),
            kurtosis: central.kurtosis(),
            zeros: self.zeros,
            negatives: self.negatives,
            infinities: 0,
            quantiles: quantiles(&values, |percent| {
                percentile(&values.weighted, &sums, percent, T::of_key, scale)
            }),
            iqr: difference(&values.weighted, &sums, T::of_key, scale),
            mad: whole_median_distance(&values.weighted, &sums, T::of_key, scale),
            cv: variation(variance.map(f64::sqrt), mean),
            lowest,
            highest,
            histogram: match some {
                true => distribution::<T>(&values, &sums, (min, max), scale, estimated),
                false => Default::default(),
            },
        };
        Ok((figures, values))
    }
}

/// The sum divided by the count, rounded once or nearly so.
fn mean(sum: i128, count: u64, scale: u8) -> f64 {
    let n = i128::from(count);
    let power = 10f64.powi(scale.into());
    if sum.unsigned_abs() <= EXACT {
        return sum as f64 / (count as f64 * power);
    }
    ((sum / n) as f64 + (sum % n) as f64 / count as f64) / power
}

fn distribution<T: Digits>(
    values: &HeldValues<T::Key>,
    sums: &[u64],
    (min, max): (T::Key, T::Key),
    scale: u8,
    estimated: bool,
) -> lastcall_domain::profile::Histogram<Number> {
    let weighted = &values.weighted;
    if scale == 0 {
        let extremes = (T::of_key(min), T::of_key(max));
        return histogram::whole(weighted, sums, T::of_key, extremes, estimated);
    }
    let float = |key| Number::decimal(T::of_key(key), scale).as_f64();
    let extremes = (float(min), float(max));
    histogram::numeric(weighted, sums, float, extremes, estimated)
}
