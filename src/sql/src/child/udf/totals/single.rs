//! A single total: of a table, a sliding window or distinct values.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Decimal128Array, UInt64Array};
use arrow::datatypes::{DataType, Decimal128Type, Field, UInt64Type};
use datafusion::common::utils::SingleRowListArrayBuilder;
use datafusion::common::{ScalarValue, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::Accumulator;

use super::total::{Outcome, Total};

/// The type of the list of distinct values.
const KEYS: DataType = DataType::Decimal128(38, 0);

#[derive(Debug)]
pub(super) struct Single<T> {
    outcome: Outcome,
    total: T,
    count: u64,
    /// The count of each value, if only distinct ones are aggregated.
    seen: Option<HashMap<i128, u64>>,
}

impl<T: Total> Single<T> {
    pub(super) fn new(outcome: Outcome, distinct: bool) -> Self {
        Self {
            outcome,
            total: T::default(),
            count: 0,
            seen: distinct.then(HashMap::new),
        }
    }

    pub(super) fn state_types(distinct: bool) -> Vec<DataType> {
        if distinct {
            let item = Field::new_list_field(KEYS, true);
            return vec![DataType::List(Arc::new(item))];
        }
        let count = [DataType::UInt64];
        count.into_iter().chain(T::STORED.iter().cloned()).collect()
    }

    /// Adds or removes a value; for distinct values, only the first and the last time.
    fn change(&mut self, key: i128, adds: bool) -> Result<()> {
        if let Some(seen) = &mut self.seen {
            let times = seen.entry(key).or_default();
            let counts = if adds {
                *times += 1;
                *times == 1
            } else {
                *times = times.saturating_sub(1);
                *times == 0
            };
            if *times == 0 {
                seen.remove(&key);
            }
            if !counts {
                return Ok(());
            }
        }
        let value = T::of_key(key);
        if adds {
            self.count += 1;
            self.total.add(value)
        } else {
            self.count -= 1;
            if self.count == 0 {
                self.total = T::default();
                return Ok(());
            }
            self.total.take(value)
        }
    }

    fn each(&mut self, values: &[ArrayRef], adds: bool) -> Result<()> {
        let [values] = values else {
            return internal_err!("a total is of one argument");
        };
        for value in values.as_primitive::<T::Of>().iter().flatten() {
            match (&self.seen, adds) {
                (None, true) => {
                    self.count += 1;
                    self.total.add(value)?;
                }
                _ => self.change(T::key(value), adds)?,
            }
        }
        Ok(())
    }
}

impl<T: Total> Accumulator for Single<T> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.each(values, true)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.each(values, false)
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        if self.seen.is_some() {
            let [lists] = states else {
                return internal_err!("different values are stored as a list");
            };
            for list in lists.as_list::<i32>().iter().flatten() {
                for key in list.as_primitive::<Decimal128Type>().iter().flatten() {
                    self.change(key, true)?;
                }
            }
            return Ok(());
        }
        let [counts, stored @ ..] = states else {
            return internal_err!("a total is stored with its count");
        };
        let counts: &UInt64Array = counts.as_primitive::<UInt64Type>();
        for row in 0..counts.len() {
            self.count += counts.value(row);
            self.total.merge(&T::load(stored, row))?;
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        if let Some(seen) = &self.seen {
            let keys = Decimal128Array::from_iter_values(seen.keys().copied());
            let keys = keys.with_data_type(KEYS);
            let list = SingleRowListArrayBuilder::new(Arc::new(keys)).build_list_scalar();
            return Ok(vec![list]);
        }
        let mut state = vec![ScalarValue::UInt64(Some(self.count))];
        for array in T::store(std::slice::from_ref(&self.total)) {
            state.push(ScalarValue::try_from_array(&array, 0)?);
        }
        Ok(state)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let total = std::slice::from_ref(&self.total);
        let outcome = T::outcomes(self.outcome, total, &[self.count])?;
        ScalarValue::try_from_array(&outcome, 0)
    }

    fn size(&self) -> usize {
        let seen = self.seen.as_ref().map_or(0, HashMap::capacity);
        size_of_val(self) + seen * size_of::<(i128, u64)>()
    }
}
