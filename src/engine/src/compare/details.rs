//! Changes of a column: histogram, categories.

use std::cmp::Reverse;

use lastcall_domain::compare::{CategoryChanges, CategoryCount, ChiSquared, SharedHistogram};
use serde_json::Value;

use super::distribution::{DAY, Distribution};
use super::observe::ObservedColumn;
use super::paired::{Distances, Numbers, Paired};
use crate::parse::{Kind, format_date, format_timestamp};
use crate::profile::texts;
use crate::stats::p_values;
use crate::stats::text_counts::{Named, TextCounts};

/// Intervals of a histogram.
const BINS: usize = 20;
/// How many new and vanished values are named.
const LISTED: usize = 20;

/// Values in order, with their counts.
type Values = [(f64, u64)];

/// Histograms of both sides over the same intervals.
pub(super) fn histogram(pair: &Paired, kinds: (Kind, Kind)) -> Option<SharedHistogram> {
    let Distances {
        low,
        high,
        span,
        before,
        after,
    } = pair.above_lowest()?;
    let width = span / BINS as f64;
    if !width.is_finite() {
        return None;
    }
    let bins = if width > 0.0 { BINS } else { 1 };
    let count = |distances: &Values| {
        let mut counts = vec![0; bins];
        for (distance, count) in distances {
            let bin = if width > 0.0 { distance / width } else { 0.0 };
            counts[(bin as usize).min(bins - 1)] += count;
        }
        counts
    };
    let dates = matches!(kinds, (Kind::Date(_), Kind::Date(_)));
    let edge = |at: usize| {
        let edge = if at == bins {
            high
        } else {
            low + width * at as f64
        };
        if kinds.0.is_numeric() {
            Value::from(edge)
        } else if dates {
            format_date((edge / DAY) as i64).into()
        } else {
            format_timestamp(edge as i64).into()
        }
    };
    Some(SharedHistogram {
        edges: (0..=bins).map(edge).collect(),
        baseline: count(&before),
        candidate: count(&after),
    })
}

/// Pearson's test of homogeneity over the categories that either side has.
pub(super) fn chi_squared(p: &[u64], q: &[u64]) -> Option<ChiSquared> {
    let (n, m) = (p.iter().sum::<u64>() as f64, q.iter().sum::<u64>() as f64);
    let pairs = p.iter().zip(q).filter(|(a, b)| **a + **b > 0);
    let (mut statistic, mut categories) = (0.0, 0_u64);
    for (&a, &b) in pairs {
        let both = (a + b) as f64 / (n + m);
        for (observed, expected) in [(a as f64, n * both), (b as f64, m * both)] {
            statistic += (observed - expected).powi(2) / expected;
        }
        categories += 1;
    }
    let degrees_of_freedom = categories
        .checked_sub(1)
        .filter(|degrees_of_freedom| *degrees_of_freedom > 0)?;
    (n > 0.0 && m > 0.0).then(|| ChiSquared {
        statistic,
        degrees_of_freedom,
        p_value: p_values::chi_squared(statistic, degrees_of_freedom as f64),
    })
}

/// The values that only one side has.
pub(super) struct Listed {
    new: Vec<CategoryCount>,
    vanished: Vec<CategoryCount>,
    new_count: Option<u64>,
    vanished_count: Option<u64>,
}

/// The texts that only one side has, if both are held.
pub(super) fn new_and_vanished(words: &TextCounts, others: &TextCounts) -> Option<Listed> {
    if !words.is_exact() || !others.is_exact() {
        return None;
    }
    let exclusive = |of: &TextCounts, other: &TextCounts| {
        let mut exclusive: Vec<(u64, String)> = Vec::new();
        let mut number = 0;
        for (text, count) in of.entries() {
            if other.count(&text) > 0 {
                continue;
            }
            number += 1;
            exclusive.push((count, shown(&text, [of, other])));
            // Bounded for any number of texts.
            if exclusive.len() > 100 * LISTED {
                exclusive.sort_unstable_by(|a, b| (Reverse(a.0), &a.1).cmp(&(Reverse(b.0), &b.1)));
                exclusive.truncate(LISTED);
            }
        }
        exclusive.sort_unstable_by(|a, b| (Reverse(a.0), &a.1).cmp(&(Reverse(b.0), &b.1)));
        exclusive.truncate(LISTED);
        (exclusive, number)
    };
    let (new, new_count) = exclusive(others, words);
    let (vanished, vanished_count) = exclusive(words, others);
    Some(Listed {
        new: counts(new, |candidate| (0, candidate)),
        vanished: counts(vanished, |baseline| (baseline, 0)),
        new_count: Some(new_count),
        vanished_count: Some(vanished_count),
    })
}

fn counts(exclusive: Vec<(u64, String)>, sides: impl Fn(u64) -> (u64, u64)) -> Vec<CategoryCount> {
    let counts = exclusive.into_iter().map(|(count, value)| {
        let (baseline, candidate) = sides(count);
        CategoryCount {
            value,
            baseline,
            candidate,
        }
    });
    counts.collect()
}

/// A text for a result: the beginning of a long one that is not held.
pub(super) fn shown(text: &Named<'_>, held: [&TextCounts; 2]) -> String {
    let Some(beginning) = text.beginning() else {
        return texts::shown(&text.name);
    };
    let whole = held.into_iter().find_map(|held| held.text(text));
    texts::shown(whole.unwrap_or(beginning))
}

/// The categories with their counts; the last counts are of all others.
pub(super) fn categories(
    texts: Vec<String>,
    (p, q): &(Vec<u64>, Vec<u64>),
    listed: Option<Listed>,
) -> CategoryChanges {
    let values = texts.into_iter().zip(p.iter().zip(q));
    let values: Vec<CategoryCount> = values
        .map(|(value, (&baseline, &candidate))| CategoryCount {
            value,
            baseline,
            candidate,
        })
        .collect();
    // If not all values are held, only the chosen categories can be new or vanished.
    let listed = listed.unwrap_or_else(|| {
        let only = |one: fn(&CategoryCount) -> bool| -> Vec<CategoryCount> {
            values
                .iter()
                .filter(|value| one(value))
                .take(LISTED)
                .cloned()
                .collect()
        };
        Listed {
            new: only(|value| value.baseline == 0 && value.candidate > 0),
            vanished: only(|value| value.candidate == 0 && value.baseline > 0),
            new_count: None,
            vanished_count: None,
        }
    });
    CategoryChanges {
        other_baseline: p.last().copied().unwrap_or(0),
        other_candidate: q.last().copied().unwrap_or(0),
        values,
        new: listed.new,
        vanished: listed.vanished,
        new_count: listed.new_count,
        vanished_count: listed.vanished_count,
    }
}

/// Two booleans as categories, with the counts of both sides.
pub(super) fn booleans(
    old: &ObservedColumn,
    new: &ObservedColumn,
) -> Option<(CategoryChanges, Vec<u64>, Vec<u64>)> {
    if (old.kind, new.kind) != (Kind::Boolean, Kind::Boolean) {
        return None;
    }
    let (
        Distribution::Numbers {
            values: Numbers::Floats(values),
            ..
        },
        Distribution::Numbers {
            values: Numbers::Floats(others),
            ..
        },
    ) = (&old.distribution, &new.distribution)
    else {
        return None;
    };
    let count = |values: &Values, wanted: f64| -> u64 {
        let values = values.iter().filter(|(value, _)| *value == wanted);
        values.map(|(_, count)| count).sum()
    };
    let sides = |values: &Values| vec![count(values, 0.0), count(values, 1.0)];
    let (p, q) = (sides(values), sides(others));
    let values = ["false", "true"].into_iter().zip(p.iter().zip(&q));
    let values: Vec<CategoryCount> = values
        .map(|(value, (&baseline, &candidate))| CategoryCount {
            value: value.to_owned(),
            baseline,
            candidate,
        })
        .collect();
    let only = |one: fn(&CategoryCount) -> bool| -> Vec<CategoryCount> {
        values.iter().filter(|value| one(value)).cloned().collect()
    };
    let new_values = only(|value| value.baseline == 0 && value.candidate > 0);
    let vanished = only(|value| value.candidate == 0 && value.baseline > 0);
    let changes = CategoryChanges {
        new_count: Some(new_values.len() as u64),
        vanished_count: Some(vanished.len() as u64),
        new: new_values,
        vanished,
        values,
        ..CategoryChanges::default()
    };
    Some((changes, p, q))
}
