//! A sliding window as a queue of what can be merged, without subtraction.

use std::fmt::Debug;

use arrow::array::ArrayRef;
use datafusion::common::{ScalarValue, internal_err};
use datafusion::error::Result;
use datafusion::logical_expr::Accumulator;

/// What rows come to, if that can be merged from what parts of them come to. The default is that
/// of no rows.
pub(in super::super) trait Merged:
    Clone + Debug + Default + Send + Sync + 'static
{
    /// The values of a row.
    type Row: Copy + Debug + Send + Sync;
    /// What is computed in the end.
    type Outcome: Debug + Send + Sync;

    /// The rows without a null.
    fn rows(columns: &[ArrayRef]) -> Result<Vec<Self::Row>>;
    fn with(&mut self, row: Self::Row) -> Result<()>;
    fn join(&mut self, other: &Self) -> Result<()>;
    fn result(self, outcome: &Self::Outcome, rows: u64) -> Result<ScalarValue>;
}

/// A queue as two stacks: of what the rows from each older one on come to, and of the newer rows.
/// On average, a row is added twice and joined once.
#[derive(Debug)]
pub(in super::super) struct Queue<M: Merged> {
    outcome: M::Outcome,
    /// The last is of all older rows, the one before that of all but the oldest.
    older: Vec<M>,
    newer: Vec<M::Row>,
    /// What the newer rows come to.
    total: M,
}

impl<M: Merged> Queue<M> {
    pub(in super::super) fn new(outcome: M::Outcome) -> Self {
        Self {
            outcome,
            older: Vec::new(),
            newer: Vec::new(),
            total: M::default(),
        }
    }

    fn pop(&mut self) -> Result<()> {
        if self.older.is_empty() {
            let mut from_here = M::default();
            for row in self.newer.drain(..).rev() {
                from_here.with(row)?;
                self.older.push(from_here.clone());
            }
            self.total = M::default();
        }
        self.older.pop();
        Ok(())
    }
}

impl<M: Merged> Accumulator for Queue<M> {
    fn update_batch(&mut self, columns: &[ArrayRef]) -> Result<()> {
        for row in M::rows(columns)? {
            self.total.with(row)?;
            self.newer.push(row);
        }
        Ok(())
    }

    fn retract_batch(&mut self, columns: &[ArrayRef]) -> Result<()> {
        for _ in M::rows(columns)? {
            self.pop()?;
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let rows = (self.older.len() + self.newer.len()) as u64;
        let mut total = self.older.last().cloned().unwrap_or_default();
        total.join(&self.total)?;
        total.result(&self.outcome, rows)
    }

    fn merge_batch(&mut self, _: &[ArrayRef]) -> Result<()> {
        internal_err!("a window is not merged")
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        internal_err!("a window is not merged")
    }

    fn size(&self) -> usize {
        size_of_val(self)
            + self.older.capacity() * size_of::<M>()
            + self.newer.capacity() * size_of::<M::Row>()
    }
}
