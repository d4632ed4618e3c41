//! The statistics of a column of dates or timestamps.

use lastcall_domain::profile::{SortOrder, Temporal};

use super::extreme_values::ExtremeValues;
use crate::EngineError;
use crate::batch::Missing;
use crate::job::JobContext;
use crate::keys::{integer_of_key, key_of_integer};
use crate::parse::{format_date, format_timestamp};
use crate::stats::histogram;
use crate::stats::quantile_sketch::running;
use crate::stats::value_counts::{ValueCounts, Values as HeldValues};

/// The statistics of a column of dates or timestamps so far.
pub(super) struct Times {
    /// Days, not microseconds.
    date: bool,
    held: ValueCounts,
    extreme_values: ExtremeValues,
}

impl Times {
    pub(super) fn new(date: bool, budget: usize, seed: u64) -> Self {
        Self {
            date,
            held: ValueCounts::new(budget, seed),
            extreme_values: ExtremeValues::new(),
        }
    }

    pub(super) fn sorted(&self) -> Option<SortOrder> {
        self.extreme_values.sorted()
    }

    pub(super) fn add(
        &mut self,
        values: &[i64],
        (missing, rows): (&Missing, usize),
        context: JobContext<'_>,
    ) -> Result<(), EngineError> {
        let keys: Vec<u64> = values.iter().map(|&value| key_of_integer(value)).collect();
        self.extreme_values.extend(&keys, missing, rows);
        self.held.extend(&keys, context)
    }

    /// Computes the final statistics.
    pub(super) fn finish(
        self,
        context: JobContext<'_>,
    ) -> Result<(Temporal, HeldValues), EngineError> {
        let values = self.held.finish(context)?;
        let temporal = temporal(&values, &self.extreme_values, self.date);
        Ok((temporal, values))
    }
}

pub(super) fn format_time(value: i64, date: bool) -> String {
    if date {
        format_date(value)
    } else {
        format_timestamp(value)
    }
}

fn temporal(values: &HeldValues, extreme_values: &ExtremeValues, date: bool) -> Temporal {
    let weighted = &values.weighted;
    if weighted.is_empty() {
        return Temporal::default();
    }
    let (min, max) = (
        integer_of_key(extreme_values.min),
        integer_of_key(extreme_values.max),
    );
    let scale = if date { 86_400_000_000 } else { 1 };
    let micros = move |key| integer_of_key(key).saturating_mul(scale);
    let sums = running(weighted);
    let estimated = values.rank_error.is_some();
    let extremes = (micros(extreme_values.min), micros(extreme_values.max));
    let (lowest, highest) = extreme_values.extremes(|key| format_time(integer_of_key(key), date));
    Temporal {
        lowest,
        highest,
        min: Some(format_time(min, date)),
        max: Some(format_time(max, date)),
        histogram: histogram::temporal(weighted, &sums, micros, extremes, estimated),
    }
}
