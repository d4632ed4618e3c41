//! Totals of many groups.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, UInt64Array};
use arrow::datatypes::UInt64Type;
use datafusion::common::internal_err;
use datafusion::error::Result;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};

use super::total::{Outcome, Total};

#[derive(Debug)]
pub(super) struct Groups<T> {
    outcome: Outcome,
    totals: Vec<T>,
    counts: Vec<u64>,
}

impl<T: Total> Groups<T> {
    pub(super) fn new(outcome: Outcome) -> Self {
        Self {
            outcome,
            totals: Vec::new(),
            counts: Vec::new(),
        }
    }

    fn grow(&mut self, groups: usize) {
        self.totals.resize(groups, T::default());
        self.counts.resize(groups, 0);
    }

    fn take(&mut self, emit: EmitTo) -> (Vec<T>, Vec<u64>) {
        (
            emit.take_needed(&mut self.totals),
            emit.take_needed(&mut self.counts),
        )
    }
}

impl<T: Total> GroupsAccumulator for Groups<T> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total_groups: usize,
    ) -> Result<()> {
        let [values] = values else {
            return internal_err!("a total is of one argument");
        };
        self.grow(total_groups);
        let values = values.as_primitive::<T::Of>();
        let all = values.null_count() == 0 && filter.is_none();
        for (row, &group) in groups.iter().enumerate() {
            let counted = all
                || values.is_valid(row)
                    && filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
            if counted {
                self.totals[group].add(values.value(row))?;
                self.counts[group] += 1;
            }
        }
        Ok(())
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        total_groups: usize,
    ) -> Result<()> {
        let [counts, stored @ ..] = values else {
            return internal_err!("a total is stored with its count");
        };
        self.grow(total_groups);
        let counts = counts.as_primitive::<UInt64Type>();
        for (row, &group) in groups.iter().enumerate() {
            self.totals[group].merge(&T::load(stored, row))?;
            self.counts[group] += counts.value(row);
        }
        Ok(())
    }

    fn evaluate(&mut self, emit: EmitTo) -> Result<ArrayRef> {
        let (totals, counts) = self.take(emit);
        T::outcomes(self.outcome, &totals, &counts)
    }

    fn state(&mut self, emit: EmitTo) -> Result<Vec<ArrayRef>> {
        let (totals, counts) = self.take(emit);
        let mut state: Vec<ArrayRef> = vec![Arc::new(UInt64Array::from(counts))];
        state.extend(T::store(&totals));
        Ok(state)
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let rows = values.first().map_or(0, |values| values.len());
        let groups: Vec<usize> = (0..rows).collect();
        let mut each = Self::new(self.outcome);
        each.update_batch(values, &groups, filter, rows)?;
        each.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        self.totals.capacity() * size_of::<T>() + self.counts.capacity() * size_of::<u64>()
    }
}
