//! Mean, median, minimum and maximum of a column, before and after.

use lastcall_domain::compare::{FigureChange, NumberChanges};
use lastcall_domain::profile::Number;

use crate::stats::quantile_sketch::running;

/// Beyond this, doubles do not represent every integer.
pub(super) const EXACT: u128 = 1 << 53;
/// From this number of digits on, doubles do not distinguish all decimals.
pub(super) const EXACT_DECIMALS: u128 = 10_u128.pow(15);

/// Values in ascending order, with their counts.
pub(super) type Counted<T> = Vec<(T, u64)>;

/// The same, borrowed.
type Values = [(f64, u64)];

/// Digits over a power of ten, as the nearest double.
pub(super) fn float((digits, scale): (i128, u8)) -> f64 {
    if digits.unsigned_abs() <= EXACT && scale <= 22 {
        // Both are exact, so that the division rounds correctly.
        return digits as f64 / 10f64.powi(scale.into());
    }
    Number::decimal(digits, scale).as_f64()
}

/// How many values there are.
pub(super) fn total<T>(values: &[(T, u64)]) -> u64 {
    values.iter().map(|(_, count)| count).sum()
}

/// Mean, median, minimum and maximum of doubles.
pub(super) fn number_changes(before: &Values, after: &Values) -> Option<NumberChanges> {
    let figure = |of: fn(&Values) -> f64| {
        let (baseline, candidate) = (of(before), of(after));
        FigureChange {
            baseline: Number::Float(baseline),
            candidate: Number::Float(candidate),
            change: candidate - baseline,
        }
    };
    let changes = NumberChanges {
        mean: figure(mean),
        median: figure(median),
        min: figure(|values| values.first().map_or(f64::NAN, |(value, _)| *value)),
        max: figure(|values| values.last().map_or(f64::NAN, |(value, _)| *value)),
    };
    // JSON has no infinities and no NaN.
    let figures = [changes.mean, changes.median, changes.min, changes.max];
    figures
        .iter()
        .all(|figure| figure.change.is_finite())
        .then_some(changes)
}

fn mean(values: &Values) -> f64 {
    let n = total(values) as f64;
    // Relative to the first value, so that large values close to each other lose no digits.
    let first = values.first().map_or(0.0, |(value, _)| *value);
    let sum: f64 = values
        .iter()
        .map(|(value, count)| (value - first) * *count as f64)
        .sum();
    first + sum / n
}

fn median(values: &Values) -> f64 {
    let n = total(values);
    let at = |rank: u64| {
        let mut below = 0;
        for (value, count) in values {
            below += count;
            if rank < below {
                return *value;
            }
        }
        f64::NAN
    };
    let (low, high) = (at((n.max(1) - 1) / 2), at(n / 2));
    low + (high - low) / 2.0
}

/// Statistics of integers over 10^`scale`, and their exact differences.
pub(super) fn whole_changes<T: Copy + Into<i128>>(
    before: &[(T, u64)],
    after: &[(T, u64)],
    scale: u8,
) -> Option<NumberChanges> {
    let of = |values: &[(T, u64)]| IntegerStats::of(values, scale);
    let Some((a, b)) = of(before).zip(of(after)) else {
        let floats = |values: &[(T, u64)]| -> Counted<f64> {
            let values = values.iter();
            values
                .map(|&(value, n)| (float((value.into(), scale)), n))
                .collect()
        };
        return number_changes(&floats(before), &floats(after));
    };
    let difference =
        |baseline: i128, candidate: i128, scale: u8| match candidate.checked_sub(baseline) {
            Some(change) => float((change, scale)),
            None => float((candidate, scale)) - float((baseline, scale)),
        };
    let change = |(baseline, scale): (i128, u8), (candidate, _): (i128, u8)| FigureChange {
        baseline: Number::decimal(baseline, scale),
        candidate: Number::decimal(candidate, scale),
        change: difference(baseline, candidate, scale),
    };
    let power = 10f64.powi(scale.into());
    let mean = |of: &IntegerStats| Number::Float(float((of.mean, scale)) + of.fraction / power);
    Some(NumberChanges {
        mean: FigureChange {
            baseline: mean(&a),
            candidate: mean(&b),
            change: difference(a.mean, b.mean, scale) + (b.fraction - a.fraction) / power,
        },
        median: change(a.median, b.median),
        min: change((a.min, scale), (b.min, scale)),
        max: change((a.max, scale), (b.max, scale)),
    })
}

struct IntegerStats {
    min: i128,
    max: i128,
    /// With a scale of its own, as it may be between two values.
    median: (i128, u8),
    /// The integer part of the mean, and the remainder.
    mean: i128,
    fraction: f64,
}

impl IntegerStats {
    /// `None` if there is no value, or the digits do not fit.
    fn of<T: Copy + Into<i128>>(values: &[(T, u64)], scale: u8) -> Option<Self> {
        let value = |at: usize| -> Option<i128> { values.get(at).map(|&(value, _)| value.into()) };
        let (min, max) = (value(0)?, value(values.len() - 1)?);
        let mut above = 0i128;
        for &(value, count) in values {
            let value: i128 = value.into();
            let far = value.checked_sub(min)?.checked_mul(i128::from(count))?;
            above = above.checked_add(far)?;
        }
        let n = total(values);
        let count = i128::from(n);
        let sums = running(values);
        let at = |rank: u64| value(sums.partition_point(|&sum| sum <= rank));
        let (low, high) = (at((n.max(1) - 1) / 2)?, at(n / 2)?);
        Some(Self {
            min,
            max,
            // Half of a sum is five times the sum over ten.
            median: (low.checked_add(high)?.checked_mul(5)?, scale + 1),
            mean: min.checked_add(above / count)?,
            fraction: (above % count) as f64 / n as f64,
        })
    }
}
