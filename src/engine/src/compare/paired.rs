//! The numbers of a column on both sides, in a common form.
//!
//! Most are doubles. Integers and decimals of more digits than a double holds keep them: distinct
//! values stay distinct, and differences are exact.

use lastcall_domain::compare::NumberChanges;

use super::number_changes::{
    Counted, EXACT, EXACT_DECIMALS, float, number_changes, total, whole_changes,
};
use crate::stats::quantile_sketch::{quantile, running};

/// The number of parts, cut at the quantiles of the baseline.
const PARTS: u32 = 10;

/// The numbers of one side.
pub(super) enum Numbers {
    Floats(Counted<f64>),
    Integers(Counted<i64>),
    /// Integers over 10^`scale`.
    Decimals {
        values: Counted<i128>,
        scale: u8,
    },
}

impl Numbers {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Floats(values) => values.is_empty(),
            Self::Integers(values) => values.is_empty(),
            Self::Decimals { values, .. } => values.is_empty(),
        }
    }

    /// Whether doubles represent all numbers exactly.
    fn are_doubles(&self) -> bool {
        // The largest magnitude is at one of the ends.
        let ends = |digits: [Option<i128>; 2], most: u128| {
            let mut digits = digits.into_iter().flatten();
            digits.all(|digits| digits.unsigned_abs() <= most)
        };
        match self {
            Self::Floats(_) => true,
            Self::Integers(values) => {
                let end = |value: Option<&(i64, u64)>| value.map(|(value, _)| i128::from(*value));
                ends([end(values.first()), end(values.last())], EXACT)
            }
            Self::Decimals { values, scale } => {
                let end = |value: Option<&(i128, u64)>| value.map(|(value, _)| *value);
                let most = if *scale == 0 { EXACT } else { EXACT_DECIMALS };
                ends([end(values.first()), end(values.last())], most)
            }
        }
    }

    fn into_floats(self) -> Counted<f64> {
        match self {
            Self::Floats(values) => values,
            Self::Integers(values) => {
                let values = values.into_iter();
                values.map(|(value, n)| (value as f64, n)).collect()
            }
            Self::Decimals { values, scale } => {
                let values = values.into_iter();
                values
                    .map(|(value, n)| (float((value, scale)), n))
                    .collect()
            }
        }
    }

    /// The digits at this scale; `None` if they do not fit or there are none.
    fn digits(&self, places: u8) -> Option<Counted<i128>> {
        match self {
            Self::Floats(_) => None,
            Self::Integers(values) => {
                let values = values.iter().map(|&(value, n)| (i128::from(value), n));
                widened(values, places)
            }
            Self::Decimals { values, scale } => {
                widened(values.iter().copied(), places.checked_sub(*scale)?)
            }
        }
    }

    fn scale(&self) -> u8 {
        match self {
            Self::Decimals { scale, .. } => *scale,
            _ => 0,
        }
    }
}

fn widened(values: impl Iterator<Item = (i128, u64)>, places: u8) -> Option<Counted<i128>> {
    let factor = 10i128.checked_pow(places.into())?;
    values
        .map(|(value, n)| Some((value.checked_mul(factor)?, n)))
        .collect()
}

/// Both sides in one form.
pub(super) enum Paired {
    Floats(Counted<f64>, Counted<f64>),
    Integers(Counted<i64>, Counted<i64>),
    Decimals(Counted<i128>, Counted<i128>, u8),
}

impl Paired {
    pub(super) fn of(before: Numbers, after: Numbers) -> Self {
        if before.are_doubles() && after.are_doubles() {
            return Self::Floats(before.into_floats(), after.into_floats());
        }
        match (before, after) {
            (Numbers::Integers(before), Numbers::Integers(after)) => Self::Integers(before, after),
            (before, after) => {
                let scale = before.scale().max(after.scale());
                match (before.digits(scale), after.digits(scale)) {
                    (Some(before), Some(after)) => Self::Decimals(before, after, scale),
                    // If one side has doubles, both are compared as doubles.
                    _ => Self::Floats(before.into_floats(), after.into_floats()),
                }
            }
        }
    }

    /// The shares of both sides in the same parts: deciles of the baseline (open at the ends), or
    /// single values if there are few.
    pub(super) fn shares(&self) -> (Vec<f64>, Vec<f64>) {
        match self {
            Self::Floats(before, after) => shares(&edges(before), before, after, |value| value),
            Self::Integers(before, after) => {
                shares(&whole_edges(before), before, after, i128::from)
            }
            Self::Decimals(before, after, _) => {
                shares(&whole_edges(before), before, after, |value| value)
            }
        }
    }

    /// The largest distance between the distribution functions.
    pub(super) fn distance(&self) -> f64 {
        match self {
            Self::Floats(before, after) => distance(before, after),
            Self::Integers(before, after) => distance(before, after),
            Self::Decimals(before, after, _) => distance(before, after),
        }
    }

    /// Mean, median, minimum and maximum of both sides; `None` if one of them is not finite.
    pub(super) fn changes(&self) -> Option<NumberChanges> {
        match self {
            Self::Floats(before, after) => number_changes(before, after),
            Self::Integers(before, after) => whole_changes(before, after, 0),
            Self::Decimals(before, after, scale) => whole_changes(before, after, *scale),
        }
    }

    /// The values relative to the lowest of all, and the lowest; `None` if a side has no finite
    /// value.
    pub(super) fn above_lowest(&self) -> Option<Distances> {
        match self {
            Self::Floats(before, after) => {
                let finite = |values: &[(f64, u64)]| -> Counted<f64> {
                    let values = values.iter().copied();
                    values.filter(|(value, _)| value.is_finite()).collect()
                };
                let (before, after) = (finite(before), finite(after));
                let low = before.first()?.0.min(after.first()?.0);
                let high = before.last()?.0.max(after.last()?.0);
                let far = |values: Counted<f64>| -> Counted<f64> {
                    let values = values.into_iter();
                    values.map(|(value, n)| (value - low, n)).collect()
                };
                Some(Distances {
                    low,
                    high,
                    span: high - low,
                    before: far(before),
                    after: far(after),
                })
            }
            Self::Integers(before, after) => whole_distances(before, after, 0),
            Self::Decimals(before, after, scale) => whole_distances(before, after, *scale),
        }
    }
}

/// Values relative to the lowest.
pub(super) struct Distances {
    pub(super) low: f64,
    pub(super) high: f64,
    /// Between these two.
    pub(super) span: f64,
    pub(super) before: Counted<f64>,
    pub(super) after: Counted<f64>,
}

fn distance<T: Copy + PartialOrd>(before: &[(T, u64)], after: &[(T, u64)]) -> f64 {
    let (a, b) = (total(before) as f64, total(after) as f64);
    let (mut i, mut j) = (0, 0);
    let (mut below_a, mut below_b) = (0u64, 0u64);
    let mut largest: f64 = 0.0;
    while i < before.len() && j < after.len() {
        let at = if after[j].0 < before[i].0 {
            after[j].0
        } else {
            before[i].0
        };
        while i < before.len() && before[i].0 <= at {
            below_a += before[i].1;
            i += 1;
        }
        while j < after.len() && after[j].0 <= at {
            below_b += after[j].1;
            j += 1;
        }
        largest = largest.max((below_a as f64 / a - below_b as f64 / b).abs());
    }
    largest
}

/// The upper edges of the parts: every value if there are few, otherwise deciles of the baseline.
fn edges(values: &[(f64, u64)]) -> Vec<f64> {
    if values.len() <= PARTS as usize {
        return values.iter().map(|&(value, _)| value).collect();
    }
    let weighted: Vec<(u64, u64)> = (0..).zip(values).map(|(at, value)| (at, value.1)).collect();
    let sums = running(&weighted);
    let number = |at: u64| values[at as usize].0;
    let edge = |part: u32| quantile(&weighted, &sums, f64::from(part) / f64::from(PARTS), number);
    let mut edges: Vec<f64> = (1..PARTS).filter_map(edge).collect();
    edges.dedup();
    edges
}

/// The same for integers. An edge between two of them is the lower one.
fn whole_edges<T: Copy + Into<i128>>(values: &[(T, u64)]) -> Vec<i128> {
    if values.len() <= PARTS as usize {
        let values = values.iter();
        return values.map(|&(value, _)| -> i128 { value.into() }).collect();
    }
    let sums = running(values);
    let parts = u64::from(PARTS);
    let last = total(values).saturating_sub(1);
    let at = |rank: u64| {
        let index = sums.partition_point(|&sum| sum <= rank);
        values
            .get(index)
            .map(|&(value, _)| -> i128 { value.into() })
    };
    let edge = |part: u64| {
        // The rank is `last * part / parts`, computed without overflow.
        let (whole, rest) = (last / parts * part, last % parts * part);
        let (rank, part) = (whole + rest / parts, i128::from(rest % parts));
        let low = at(rank)?;
        if part == 0 {
            return Some(low);
        }
        let (high, parts) = (at(rank + 1)?, i128::from(parts));
        Some(match high.checked_sub(low) {
            Some(step) => low + step / parts * part + step % parts * part / parts,
            None => low / parts * (parts - part) + high / parts * part,
        })
    };
    let mut edges: Vec<i128> = (1..parts).filter_map(edge).collect();
    edges.dedup();
    edges
}

fn shares<T: Copy, E: PartialOrd>(
    edges: &[E],
    before: &[(T, u64)],
    after: &[(T, u64)],
    form: impl Fn(T) -> E,
) -> (Vec<f64>, Vec<f64>) {
    (
        shares_between(edges, before, &form),
        shares_between(edges, after, &form),
    )
}

/// The shares of values up to each edge, and beyond the last.
fn shares_between<T: Copy, E: PartialOrd>(
    edges: &[E],
    values: &[(T, u64)],
    form: impl Fn(T) -> E,
) -> Vec<f64> {
    let mut counts = vec![0u64; edges.len() + 1];
    for &(value, count) in values {
        let value = form(value);
        counts[edges.partition_point(|edge| *edge < value)] += count;
    }
    let total = total(values) as f64;
    counts
        .into_iter()
        .map(|count| count as f64 / total)
        .collect()
}

fn whole_distances<T: Copy + Into<i128>>(
    before: &[(T, u64)],
    after: &[(T, u64)],
    scale: u8,
) -> Option<Distances> {
    let end = |value: Option<&(T, u64)>| -> Option<i128> { Some(value?.0.into()) };
    let low = end(before.first())?.min(end(after.first())?);
    let high = end(before.last())?.max(end(after.last())?);
    let far = |value: i128| match value.checked_sub(low) {
        Some(far) => float((far, scale)),
        None => float((value, scale)) - float((low, scale)),
    };
    let distances = |values: &[(T, u64)]| -> Counted<f64> {
        let values = values.iter();
        values.map(|&(value, n)| (far(value.into()), n)).collect()
    };
    Some(Distances {
        low: float((low, scale)),
        high: float((high, scale)),
        span: far(high),
        before: distances(before),
        after: distances(after),
    })
}
