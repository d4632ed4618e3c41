//! Totals of floats in sliding windows, without subtraction: what a large value has cut off does
//! not come back when it leaves.

use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::ArrowPrimitiveType;
use datafusion::common::{ScalarValue, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::Accumulator;

use super::total::{Outcome, Total};

type Value<T> = <<T as Total>::Of as ArrowPrimitiveType>::Native;

/// A queue as two stacks: of the totals from each older value on, and of the newer values.
#[derive(Debug)]
pub(super) struct Queue<T: Total> {
    outcome: Outcome,
    /// The last is the total of all older values, the one before that of all but the oldest.
    older: Vec<T>,
    newer: Vec<Value<T>>,
    /// The total of the newer values.
    total: T,
}

impl<T: Total> Queue<T> {
    pub(super) fn new(outcome: Outcome) -> Self {
        Self {
            outcome,
            older: Vec::new(),
            newer: Vec::new(),
            total: T::default(),
        }
    }

    fn pop(&mut self) -> Result<()> {
        if self.older.is_empty() {
            let mut from_here = T::default();
            for value in self.newer.drain(..).rev() {
                from_here.add(value)?;
                self.older.push(from_here.clone());
            }
            self.total = T::default();
        }
        self.older.pop();
        Ok(())
    }
}

impl<T: Total> Accumulator for Queue<T>
where
    Value<T>: std::fmt::Debug,
{
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [values] = values else {
            return internal_err!("a total is of one argument");
        };
        for value in values.as_primitive::<T::Of>().iter().flatten() {
            self.total.add(value)?;
            self.newer.push(value);
        }
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [values] = values else {
            return internal_err!("a total is of one argument");
        };
        for _ in values.as_primitive::<T::Of>().iter().flatten() {
            self.pop()?;
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let count = (self.older.len() + self.newer.len()) as u64;
        let mut total = self.older.last().cloned().unwrap_or_default();
        total.merge(&self.total)?;
        let outcomes = T::outcomes(self.outcome, &[total], &[count])?;
        ScalarValue::try_from_array(&outcomes, 0)
    }

    fn merge_batch(&mut self, _: &[ArrayRef]) -> Result<()> {
        internal_err!("a window is not merged")
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        internal_err!("a window is not merged")
    }

    fn size(&self) -> usize {
        size_of_val(self)
            + self.older.capacity() * size_of::<T>()
            + self.newer.capacity() * size_of::<Value<T>>()
    }
}
