//! The distribution of a column, and two distributions side by side.

use lastcall_domain::compare::KolmogorovSmirnov;

use crate::EngineError;
use crate::batch::{ColumnBatch, Values};
use crate::job::JobContext;
use crate::keys::{float_of_key, integer_of_key, key_of_float, key_of_integer};
use crate::parse::Kind;
use crate::stats::quantile_sketch::{quantile, running};
use crate::stats::text_counts::TextCounts;
use crate::stats::value_counts::ValueCounts;

/// Into how many parts numbers are cut, at the quantiles of the baseline.
const PARTS: u32 = 10;

/// A column, being looked at.
pub(super) struct Observed {
    kind: Kind,
    pub(super) count: u64,
    pub(super) missing: u64,
    body: Body,
}

enum Body {
    Keys(ValueCounts),
    TextCounts(TextCounts),
}

impl Observed {
    pub(super) fn new(kind: Kind, budget: usize, seed: u64) -> Self {
        Self {
            kind,
            count: 0,
            missing: 0,
            body: match kind {
                Kind::Text => Body::TextCounts(TextCounts::new(budget)),
                _ => Body::Keys(ValueCounts::new(budget, seed)),
            },
        }
    }

    pub(super) fn add(
        &mut self,
        batch: &ColumnBatch,
        context: JobContext<'_>,
    ) -> Result<(), EngineError> {
        let missing = &batch.missing;
        let present = |row: &usize| !missing.at(*row);
        let rows = batch.values.len();
        self.missing += missing.count() as u64;
        self.count += (rows - missing.count()) as u64;
        match (&mut self.body, &batch.values) {
            (Body::Keys(held), Values::Integers(values)) => {
                let values = missing.present(values);
                let keys: Vec<u64> = values.iter().map(|&value| key_of_integer(value)).collect();
                held.extend(&keys, context)
            }
            (Body::Keys(held), Values::Floats(values)) => {
                let values = missing.present(values);
                let keys: Vec<u64> = values.iter().map(|&value| key_of_float(value)).collect();
                held.extend(&keys, context)
            }
            (Body::Keys(held), Values::Decimals(decimals)) => {
                let power = 10f64.powi(decimals.scale.into());
                let values = missing.present(&decimals.digits);
                let values = values.iter().map(|&digits| digits as f64 / power);
                held.extend(&values.map(key_of_float).collect::<Vec<u64>>(), context)
            }
            (Body::TextCounts(words), Values::Text(texts)) => {
                words.extend(texts, (0..rows).filter(present), context)
            }
            _ => Err(EngineError::internal("a batch is not of the planned kind")),
        }
    }

    pub(super) fn finish(self, context: JobContext<'_>) -> Result<Distribution, EngineError> {
        Ok(match self.body {
            Body::TextCounts(words) => Distribution::Texts {
                words,
                total: self.count,
            },
            Body::Keys(held) => {
                let values = held.finish(context)?;
                let number = |key| match self.kind {
                    Kind::Float | Kind::Large | Kind::Decimal => float_of_key(key),
                    // Times of day and days are told apart by type, not by number.
                    Kind::Date(_) => integer_of_key(key) as f64 * 86_400e6,
                    _ => integer_of_key(key) as f64,
                };
                Distribution::Numbers {
                    family: self.kind,
                    values: values
                        .weighted
                        .iter()
                        .map(|&(key, n)| (number(key), n))
                        .collect(),
                    total: self.count,
                    error: values.rank_error,
                }
            }
        })
    }
}

/// What is known of the values of a column.
pub(super) enum Distribution {
    Numbers {
        family: Kind,
        /// Ascending, with how many each stands for.
        values: Vec<(f64, u64)>,
        total: u64,
        /// How far ranks may be off, where the values were sketched.
        error: Option<f64>,
    },
    Texts {
        words: TextCounts,
        total: u64,
    },
}

/// Numbers can be compared with numbers, times with times, booleans with booleans.
fn comparable(a: Kind, b: Kind) -> bool {
    let family = |kind: Kind| match kind {
        Kind::Integer | Kind::Large | Kind::Decimal | Kind::Float => 0,
        Kind::Date(_) | Kind::Timestamp(_) => 1,
        Kind::Boolean => 2,
        Kind::Text => 3,
    };
    family(a) == family(b)
}

impl Distribution {
    pub(super) fn is_sketch(&self) -> bool {
        match self {
            Self::Numbers { error, .. } => error.is_some(),
            // What is told apart is counted.
            Self::Texts { .. } => false,
        }
    }

    /// The shares of numbers of both in the same parts: tenths of the baseline (open at the ends),
    /// each value where there are few.
    pub(super) fn shares(&self, other: &Self) -> Option<(Vec<f64>, Vec<f64>)> {
        let (
            Self::Numbers {
                family,
                values,
                total,
                ..
            },
            Self::Numbers {
                family: family_of_other,
                values: others,
                total: total_of_other,
                ..
            },
        ) = (self, other)
        else {
            return None;
        };
        let some = *total > 0 && *total_of_other > 0;
        if !some || !comparable(*family, *family_of_other) {
            return None;
        }
        let edges = edges(values);
        Some((
            shares_between(&edges, values),
            shares_between(&edges, others),
        ))
    }

    /// The largest distance between the distribution functions (Smirnov 1939), and how far it
    /// may be off.
    pub(super) fn smirnov(&self, other: &Self) -> Option<(KolmogorovSmirnov, Option<f64>)> {
        let (
            Self::Numbers {
                family,
                values,
                total,
                error,
            },
            Self::Numbers {
                family: family_of_other,
                values: others,
                total: n,
                error: e,
            },
        ) = (self, other)
        else {
            return None;
        };
        let ordered = comparable(*family, *family_of_other) && *family != Kind::Boolean;
        if !ordered || *total == 0 || *n == 0 {
            return None;
        }
        let (a, b) = (weight(values), weight(others));
        let (mut i, mut j) = (0, 0);
        let (mut below_a, mut below_b) = (0u64, 0u64);
        let mut largest: f64 = 0.0;
        while i < values.len() && j < others.len() {
            let at = values[i].0.min(others[j].0);
            while i < values.len() && values[i].0 <= at {
                below_a += values[i].1;
                i += 1;
            }
            while j < others.len() && others[j].0 <= at {
                below_b += others[j].1;
                j += 1;
            }
            largest = largest.max((below_a as f64 / a - below_b as f64 / b).abs());
        }
        let off = match (error, e) {
            (None, None) => None,
            (x, y) => Some(x.unwrap_or(0.0) + y.unwrap_or(0.0)),
        };
        Some((super::test(largest, *total, *n), off))
    }
}

fn weight(values: &[(f64, u64)]) -> f64 {
    values.iter().map(|&(_, count)| count).sum::<u64>() as f64
}

/// Where parts end: at every value where there are few, else at tenths of the baseline.
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

/// The shares of values up to each edge, and beyond the last.
fn shares_between(edges: &[f64], values: &[(f64, u64)]) -> Vec<f64> {
    let mut counts = vec![0u64; edges.len() + 1];
    for &(value, count) in values {
        counts[edges.partition_point(|&edge| edge < value)] += count;
    }
    let total = weight(values);
    counts
        .into_iter()
        .map(|count| count as f64 / total)
        .collect()
}
