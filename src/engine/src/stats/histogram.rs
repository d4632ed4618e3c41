//! Histograms.
//!
//! How many intervals: the larger of Sturges' number ⌈log₂ n⌉ + 1 and that of Freedman and
//! Diaconis, ⌈range / (2 · IQR · n^(−1/3))⌉ (NumPy's `auto`), at most 50. All have the same width;
//! the first begins at the minimum, the last ends at the maximum. One value alone has an interval
//! of width 1 around it, or of the width that doubles can tell apart there; edges that they cannot
//! are one edge.
//!
//! Of whole numbers every interval holds equally many, one at least: with 9 values in 10 intervals
//! some bar would stand for no value, with 15 in 10 every other one for two. Their edges are whole,
//! and the last is beyond the maximum.

use lastcall_domain::profile::{Histogram, Number};

use super::quantile_sketch::{Weighted, quantile};
use crate::keys::Key;
use crate::parse::format_timestamp;

const MOST: u64 = 50;

/// How many intervals values of this kind are counted in.
fn intervals<K: Key>(
    weighted: &Weighted<K>,
    sums: &[u64],
    number: impl Fn(K) -> f64 + Copy,
    range: f64,
) -> u64 {
    let n = sums.last().copied().unwrap_or(0);
    let sturges = u64::from(n.max(1).next_power_of_two().trailing_zeros()) + 1;
    let quartile = |q| quantile(weighted, sums, q, number);
    let spread = match (quartile(0.25), quartile(0.75)) {
        (Some(low), Some(high)) => high - low,
        _ => 0.0,
    };
    let width = 2.0 * spread / (n as f64).cbrt();
    // A quotient beyond the limit, or none, saturates.
    let diaconis = if width > 0.0 {
        (range / width).ceil() as u64
    } else {
        0
    };
    sturges.max(diaconis).clamp(1, MOST)
}

/// Counts finite values, ascending, in intervals of equal width between their extremes.
pub(crate) fn numeric<K: Key>(
    weighted: &Weighted<K>,
    sums: &[u64],
    number: impl Fn(K) -> f64 + Copy,
    extremes: (f64, f64),
    estimated: bool,
) -> Histogram<Number> {
    let (min, max) = extremes;
    if weighted.is_empty() {
        return Histogram::default();
    }
    let mut edges: Vec<f64> = if min < max {
        let bins = intervals(weighted, sums, number, max - min);
        let step = (max - min) / bins as f64;
        (0..=bins)
            .map(|i| {
                let t = i as f64 / bins as f64;
                if i == bins {
                    max
                } else if step.is_finite() {
                    min + step * i as f64
                } else {
                    min * (1.0 - t) + max * t
                }
            })
            .collect()
    } else {
        let half = (min.abs() * f64::EPSILON).max(0.5);
        vec![(min - half).max(f64::MIN), (max + half).min(f64::MAX)]
    };
    edges.dedup();
    let below = |edge: f64| {
        let index = weighted.partition_point(|&(key, _)| number(key) < edge);
        if index == 0 { 0 } else { sums[index - 1] }
    };
    Histogram {
        counts: counts(&edges, below, sums),
        edges: edges.into_iter().map(Number::Float).collect(),
        estimated,
    }
}

/// Counts whole numbers, ascending, in intervals of equally many of them.
pub(crate) fn whole<K: Key>(
    weighted: &Weighted<K>,
    sums: &[u64],
    digits: impl Fn(K) -> i128 + Copy,
    extremes: (i128, i128),
    estimated: bool,
) -> Histogram<Number> {
    let (min, max) = extremes;
    if weighted.is_empty() {
        return Histogram::default();
    }
    let range = max.abs_diff(min);
    let from_min = |key| digits(key).abs_diff(min) as f64;
    let most = u128::from(intervals(weighted, sums, from_min, range as f64));
    let width = i128::try_from(range / most + 1).unwrap_or(i128::MAX);
    let mut edges = vec![min];
    // An interval that would end beyond 128 bits ends there.
    while let Some(&edge) = edges.last()
        && edge <= max
        && edge < i128::MAX
    {
        edges.push(edge.saturating_add(width));
    }
    let below = |edge: i128| {
        let index = weighted.partition_point(|&(key, _)| digits(key) < edge);
        if index == 0 { 0 } else { sums[index - 1] }
    };
    Histogram {
        counts: counts(&edges, below, sums),
        edges: edges
            .into_iter()
            .map(|edge| Number::decimal(edge, 0))
            .collect(),
        estimated,
    }
}

/// Counts points in time, in microseconds since 1970.
pub(crate) fn temporal(
    weighted: &Weighted,
    sums: &[u64],
    number: impl Fn(u64) -> i64 + Copy,
    extremes: (i64, i64),
    estimated: bool,
) -> Histogram<String> {
    let (min, max) = extremes;
    if weighted.is_empty() {
        return Histogram::default();
    }
    let range = max.saturating_sub(min);
    let mut edges: Vec<i64> = if range > 0 {
        let as_float = |key| number(key).wrapping_sub(min) as f64;
        let bins = intervals(weighted, sums, as_float, range as f64);
        let bins = i128::from(bins.min((range as u64).saturating_add(1)));
        (0..=bins)
            .map(|i| min + (i128::from(range) * i / bins) as i64)
            .collect()
    } else {
        vec![min, min.saturating_add(1_000_000)]
    };
    edges.dedup();
    let below = |edge: i64| {
        let index = weighted.partition_point(|&(key, _)| number(key) < edge);
        if index == 0 { 0 } else { sums[index - 1] }
    };
    Histogram {
        counts: counts(&edges, below, sums),
        edges: edges.into_iter().map(format_timestamp).collect(),
        estimated,
    }
}

/// Differences of how many values lie below each edge; the last interval is closed.
fn counts<E: Copy>(edges: &[E], below: impl Fn(E) -> u64, sums: &[u64]) -> Vec<u64> {
    let total = sums.last().copied().unwrap_or(0);
    let mut before = 0;
    let inner = edges.iter().skip(1).take(edges.len().saturating_sub(2));
    let mut counts: Vec<u64> = inner
        .map(|&edge| {
            let below = below(edge);
            let count = below - before;
            before = below;
            count
        })
        .collect();
    counts.push(total - before);
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::{float_of_key, key_of_float};

    #[test]
    fn edges_ascend_where_values_are_as_close_as_doubles_can_be() {
        for values in [
            &[1e17][..],
            &[f64::MAX],
            &[f64::MIN],
            &[0.0],
            &[1.0, 1.0 + f64::EPSILON],
            &[1e17, 1e17 + 16.0],
            &[5e-324, 1e-323],
            &[f64::MIN, 0.0, f64::MAX],
        ] {
            let weighted: Vec<(u64, u64)> = values.iter().map(|&v| (key_of_float(v), 3)).collect();
            let sums: Vec<u64> = (1..=values.len() as u64).map(|n| 3 * n).collect();
            let extremes = (values[0], values[values.len() - 1]);
            let found = numeric(&weighted, &sums, float_of_key, extremes, false);
            let edges: Vec<f64> = found.edges.iter().map(|edge| edge.as_f64()).collect();
            assert!(edges.windows(2).all(|pair| pair[0] < pair[1]), "{edges:?}");
            assert_eq!(found.counts.len() + 1, edges.len());
            assert_eq!(found.counts.iter().sum::<u64>(), 3 * values.len() as u64);
            assert!(edges[0] <= extremes.0 && extremes.1 <= edges[edges.len() - 1]);
        }
    }

    #[test]
    fn every_interval_of_whole_numbers_holds_equally_many() {
        for (max, wanted) in [
            (0, vec![0, 1]),
            (1, vec![0, 1, 2]),
            (4, vec![0, 1, 2, 3, 4, 5]),
            (9, vec![0, 2, 4, 6, 8, 10]),
            (10, vec![0, 2, 4, 6, 8, 10, 12]),
            (i128::MAX, vec![]),
        ] {
            let values: Vec<u128> = vec![0, max as u128];
            let weighted: Vec<(u128, u64)> = values.iter().map(|&v| (v, 20)).collect();
            let found = whole(&weighted, &[20, 40], |key| key as i128, (0, max), false);
            assert_eq!(found.counts.iter().sum::<u64>(), 40);
            assert_eq!(found.counts.len() + 1, found.edges.len());
            let edges: Vec<f64> = found.edges.iter().map(|edge| edge.as_f64()).collect();
            assert!(edges.windows(2).all(|pair| pair[0] < pair[1]), "{edges:?}");
            if max < i128::MAX {
                let wanted: Vec<f64> = wanted.into_iter().map(f64::from).collect();
                assert_eq!(edges, wanted, "{max}");
            }
        }
    }
}
