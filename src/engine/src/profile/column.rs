//! The statistics of one column.

use lastcall_domain::profile::{Boolean, Column, TopValue};
use serde_json::Value;

use super::alerts::MixedTypeCounts;
use super::numbers::Numbers;
use super::scaled_integers::ScaledIntegers;
use super::shapes::LikelyTypes;
use super::texts::{TextStats, text_json};
use super::times::{Times, format_time};
use crate::EngineError;
use crate::batch::{ColumnBatch, Values};
use crate::job::JobContext;
use crate::keys::integer_of_key;
use crate::parse::{CellRules, Kind};
use crate::stats::frequent::Top;
use crate::stats::value_counts::Values as HeldValues;

/// The statistics of one column so far.
pub(crate) struct ColumnStats {
    kind: Kind,
    count: u64,
    missing: u64,
    mixture: MixedTypeCounts,
    body: TypedStats,
}

enum TypedStats {
    Numbers(Box<Numbers>),
    Integers(Box<ScaledIntegers<i64>>),
    Decimals(Box<ScaledIntegers<i128>>),
    Times(Box<Times>),
    Booleans(Boolean),
    Texts(Box<TextStats>),
}

impl ColumnStats {
    /// Statistics of a column of this kind in about `budget` bytes.
    pub(crate) fn new(kind: Kind, budget: usize, seed: u64) -> Self {
        let body = match kind {
            Kind::Integer => TypedStats::Integers(Box::new(ScaledIntegers::new(budget, seed))),
            Kind::Large | Kind::Decimal => {
                TypedStats::Decimals(Box::new(ScaledIntegers::new(budget, seed)))
            }
            Kind::Float => TypedStats::Numbers(Box::new(Numbers::new(budget, seed))),
            Kind::Date(_) => TypedStats::Times(Box::new(Times::new(true, budget, seed))),
            Kind::Timestamp(_) => TypedStats::Times(Box::new(Times::new(false, budget, seed))),
            Kind::Boolean => TypedStats::Booleans(Boolean::default()),
            Kind::Text => TypedStats::Texts(Box::new(TextStats::new(budget))),
        };
        Self {
            kind,
            count: 0,
            missing: 0,
            mixture: MixedTypeCounts::default(),
            body,
        }
    }

    pub(crate) fn add(
        &mut self,
        batch: &ColumnBatch,
        context: JobContext<'_>,
    ) -> Result<(), EngineError> {
        let missing = &batch.missing;
        let rows = batch.values.len();
        let present = |row: &usize| !missing.at(*row);
        self.missing += missing.count() as u64;
        self.count += (rows - missing.count()) as u64;
        self.mixture.typed += batch.typed;
        self.mixture.natives += batch.natives;
        self.mixture.identifiers += batch.identifiers;
        match (&mut self.body, &batch.values) {
            (TypedStats::Integers(numbers), Values::Integers(values)) => {
                numbers.add(&missing.present(values), 0, (missing, rows), context)
            }
            (TypedStats::Decimals(numbers), Values::Decimals(decimals)) => {
                let values = missing.present(&decimals.digits);
                numbers.add(&values, decimals.scale, (missing, rows), context)
            }
            (TypedStats::Numbers(numbers), Values::Floats(values)) => {
                // NaN is missing.
                numbers.add(&missing.present(values), (missing, rows), context)
            }
            (TypedStats::Times(times), Values::Integers(values)) => {
                times.add(&missing.present(values), (missing, rows), context)
            }
            (TypedStats::Booleans(counts), Values::Integers(values)) => {
                // Missing booleans are 0.
                let true_count = values.iter().filter(|&&value| value != 0).count() as u64;
                counts.true_count += true_count;
                counts.false_count += (rows - missing.count()) as u64 - true_count;
                Ok(())
            }
            (TypedStats::Texts(figures), Values::Text(texts)) => {
                figures.add(texts, (0..rows).filter(present), context)
            }
            _ => Err(EngineError::internal("a batch is not of the planned kind")),
        }
    }

    /// Counts of typed cells in a text column.
    pub(crate) fn mixture(&self) -> MixedTypeCounts {
        self.mixture
    }

    /// Computes the final statistics.
    pub(crate) fn finish(
        self,
        name: String,
        rules: &CellRules,
        context: JobContext<'_>,
    ) -> Result<(Column, LikelyTypes), EngineError> {
        let mut column = self.without_figures(name);
        let mut likely = LikelyTypes::default();
        match self.body {
            TypedStats::Numbers(numbers) => {
                column.sorted = numbers.sorted();
                let (figures, values) = numbers.finish(self.count, context)?;
                column.numeric = Some(figures);
                let to_top = |key, count| TopValue::new(Numbers::to_json(key), count);
                set_held(&mut column, values, to_top);
            }
            TypedStats::Integers(numbers) => {
                column.sorted = numbers.sorted();
                let (figures, values) = numbers.finish(self.count, context)?;
                column.numeric = Some(figures);
                let to_top = |key, count| TopValue::new(integer_of_key(key).into(), count);
                set_held(&mut column, values, to_top);
            }
            TypedStats::Decimals(numbers) => {
                let scale = numbers.scale();
                column.sorted = numbers.sorted();
                let (figures, values) = numbers.finish(self.count, context)?;
                column.numeric = Some(figures);
                let number = |key| ScaledIntegers::<i128>::number(key, scale);
                let to_top = |key, count| TopValue::of_number(number(key), count);
                set_held(&mut column, values, to_top);
            }
            TypedStats::Times(times) => {
                let date = matches!(self.kind, Kind::Date(_));
                column.sorted = times.sorted();
                let (figures, values) = times.finish(context)?;
                column.temporal = Some(figures);
                let shown = |key| Value::String(format_time(integer_of_key(key), date));
                let to_top = |key, count| TopValue::new(shown(key), count);
                set_held(&mut column, values, to_top);
            }
            TypedStats::Booleans(counts) => {
                column.boolean = Some(counts);
                let both = [(false, counts.false_count), (true, counts.true_count)];
                let present: Vec<_> = both.into_iter().filter(|(_, count)| *count > 0).collect();
                let distinct = present.len() as u64;
                let top = Top::exact(present.into_iter(), context)?;
                let to_top = |value, count| TopValue::new(Value::Bool(value), count);
                set_counts(&mut column, distinct, None, top, to_top);
            }
            TypedStats::Texts(figures) => {
                column.sorted = figures.sorted();
                let (text, words, found) = figures.finish(self.count, rules, context)?;
                column.text = Some(text);
                likely = found;
                set_counts(
                    &mut column,
                    words.distinct,
                    words.distinct_error,
                    words.top,
                    |text, count| TopValue::new(text_json(text), count),
                );
            }
        }
        let most = column.top.first();
        column.mode = most.filter(|most| most.count > 1).cloned();
        Ok((column, likely))
    }

    fn without_figures(&self, name: String) -> Column {
        Column {
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
            mode: None,
            sorted: None,
            numeric: None,
            text: None,
            temporal: None,
            boolean: None,
        }
    }
}

fn set_held<K>(column: &mut Column, values: HeldValues<K>, to_top: impl Fn(K, u64) -> TopValue) {
    let (distinct, error) = (values.distinct, values.distinct_error);
    set_counts(column, distinct, error, values.top, to_top);
}

fn set_counts<T>(
    column: &mut Column,
    distinct: u64,
    error: Option<f64>,
    top: Top<T>,
    to_top: impl Fn(T, u64) -> TopValue,
) {
    // A sketch may estimate more values than there are cells.
    column.distinct = distinct.min(column.count);
    column.distinct_estimated = error.is_some();
    column.distinct_error = error;
    column.top_estimated = top.error.is_some();
    column.top_error = top.error;
    let values = top.values.into_iter();
    column.top = values.map(|(value, count)| to_top(value, count)).collect();
}
