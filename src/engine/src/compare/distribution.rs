//! The distribution of a column.

use super::paired::{Numbers, Paired};
use crate::EngineError;
use crate::batch::{ColumnBatch, Values};
use crate::job::JobContext;
use crate::keys::{
    digits_of_key, float_of_key, integer_of_key, key_of_digits, key_of_float, key_of_integer,
};
use crate::parse::Kind;
use crate::stats::text_counts::TextCounts;
use crate::stats::value_counts::ValueCounts;

/// The microseconds of a day.
pub(super) const DAY: f64 = 86_400e6;

/// The observed values of a column.
pub(super) struct ColumnObserver {
    kind: Kind,
    pub(super) count: u64,
    pub(super) missing: u64,
    body: Observations,
}

enum Observations {
    Keys(ValueCounts),
    /// Digits, and their scale.
    Decimals(ValueCounts<u128>, u8),
    TextCounts(TextCounts),
}

impl ColumnObserver {
    pub(super) fn new(kind: Kind, budget: usize, seed: u64) -> Self {
        Self {
            kind,
            count: 0,
            missing: 0,
            body: match kind {
                Kind::Text => Observations::TextCounts(TextCounts::new(budget)),
                Kind::Large | Kind::Decimal => {
                    Observations::Decimals(ValueCounts::new(budget, seed), 0)
                }
                _ => Observations::Keys(ValueCounts::new(budget, seed)),
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
            (Observations::Keys(held), Values::Integers(values)) => {
                let values = missing.present(values);
                let keys: Vec<u64> = values.iter().map(|&value| key_of_integer(value)).collect();
                held.extend(&keys, context)
            }
            (Observations::Keys(held), Values::Floats(values)) => {
                let values = missing.present(values);
                let keys: Vec<u64> = values.iter().map(|&value| key_of_float(value)).collect();
                held.extend(&keys, context)
            }
            (Observations::Decimals(held, scale), Values::Decimals(decimals)) => {
                *scale = decimals.scale;
                let values = missing.present(&decimals.digits);
                let keys: Vec<u128> = values.iter().map(|&digits| key_of_digits(digits)).collect();
                held.extend(&keys, context)
            }
            (Observations::TextCounts(words), Values::Text(texts)) => {
                words.extend(texts, (0..rows).filter(present), context)
            }
            _ => Err(EngineError::internal("a batch is not of the planned kind")),
        }
    }

    pub(super) fn finish(self, context: JobContext<'_>) -> Result<Distribution, EngineError> {
        Ok(match self.body {
            Observations::TextCounts(words) => Distribution::Texts {
                words,
                total: self.count,
            },
            Observations::Keys(held) => {
                let held = held.finish(context)?;
                let weighted = held.weighted.into_iter();
                let floats = |number: fn(u64) -> f64, weighted: std::vec::IntoIter<(u64, u64)>| {
                    Numbers::Floats(weighted.map(|(key, n)| (number(key), n)).collect())
                };
                let values = match self.kind {
                    Kind::Integer => {
                        let values = weighted.map(|(key, n)| (integer_of_key(key), n));
                        Numbers::Integers(values.collect())
                    }
                    Kind::Float => floats(float_of_key, weighted),
                    // Dates are converted to microseconds, like timestamps.
                    Kind::Date(_) => floats(|key| integer_of_key(key) as f64 * DAY, weighted),
                    _ => floats(|key| integer_of_key(key) as f64, weighted),
                };
                Distribution::Numbers {
                    values,
                    total: self.count,
                    error: held.rank_error,
                }
            }
            Observations::Decimals(held, scale) => {
                let held = held.finish(context)?;
                let weighted = held.weighted.into_iter();
                let values = weighted.map(|(key, n)| (digits_of_key(key), n));
                Distribution::Numbers {
                    values: Numbers::Decimals {
                        values: values.collect(),
                        scale,
                    },
                    total: self.count,
                    error: held.rank_error,
                }
            }
        })
    }
}

/// The distribution of a column's values.
pub(super) enum Distribution {
    Numbers {
        values: Numbers,
        total: u64,
        /// The maximum rank error, if the values were sketched.
        error: Option<f64>,
    },
    Texts {
        words: TextCounts,
        total: u64,
    },
}

impl Distribution {
    pub(super) fn is_sketch(&self) -> bool {
        match self {
            Self::Numbers { error, .. } => error.is_some(),
            // Categories are counted exactly.
            Self::Texts { .. } => false,
        }
    }

    /// The numbers of both sides, if both have some.
    pub(super) fn paired(self, other: Self) -> Option<Pair> {
        let (
            Self::Numbers {
                values,
                total,
                error,
            },
            Self::Numbers {
                values: others,
                total: of_other,
                error: error_of_other,
            },
        ) = (self, other)
        else {
            return None;
        };
        if total == 0 || of_other == 0 || values.is_empty() || others.is_empty() {
            return None;
        }
        let error = match (error, error_of_other) {
            (None, None) => None,
            (x, y) => Some(x.unwrap_or(0.0) + y.unwrap_or(0.0)),
        };
        Some(Pair {
            numbers: Paired::of(values, others),
            totals: (total, of_other),
            error,
        })
    }
}

/// The numbers of a column on both sides.
pub(super) struct Pair {
    pub(super) numbers: Paired,
    /// The number of cells on each side.
    pub(super) totals: (u64, u64),
    /// The maximum error of the distance of the distribution functions.
    pub(super) error: Option<f64>,
}
