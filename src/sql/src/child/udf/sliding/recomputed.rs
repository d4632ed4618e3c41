//! Aggregates that are computed anew for each sliding window.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::compute::concat;
use arrow::datatypes::{FieldRef, Schema};
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::function::AccumulatorArgs;
use datafusion::logical_expr::{Accumulator, AggregateUDF};
use datafusion::physical_expr::{PhysicalExpr, PhysicalSortExpr};

/// An accumulator of a sliding window that begins anew for each.
pub(in super::super) fn recomputed(
    function: &Arc<AggregateUDF>,
    args: &AccumulatorArgs<'_>,
) -> Box<dyn Accumulator> {
    Box::new(Window {
        function: Arc::clone(function),
        args: Owned::from(args),
        rows: VecDeque::new(),
    })
}

/// The arguments of an accumulator.
#[derive(Debug)]
struct Owned {
    return_field: FieldRef,
    schema: Schema,
    ignore_nulls: bool,
    order_bys: Vec<PhysicalSortExpr>,
    is_reversed: bool,
    name: String,
    is_distinct: bool,
    exprs: Vec<Arc<dyn PhysicalExpr>>,
    expr_fields: Vec<FieldRef>,
}

impl From<&AccumulatorArgs<'_>> for Owned {
    fn from(args: &AccumulatorArgs<'_>) -> Self {
        Self {
            return_field: Arc::clone(&args.return_field),
            schema: args.schema.clone(),
            ignore_nulls: args.ignore_nulls,
            order_bys: args.order_bys.to_vec(),
            is_reversed: args.is_reversed,
            name: args.name.to_owned(),
            is_distinct: args.is_distinct,
            exprs: args.exprs.to_vec(),
            expr_fields: args.expr_fields.to_vec(),
        }
    }
}

impl Owned {
    fn args(&self) -> AccumulatorArgs<'_> {
        AccumulatorArgs {
            return_field: Arc::clone(&self.return_field),
            schema: &self.schema,
            ignore_nulls: self.ignore_nulls,
            order_bys: &self.order_bys,
            is_reversed: self.is_reversed,
            name: &self.name,
            is_distinct: self.is_distinct,
            exprs: &self.exprs,
            expr_fields: &self.expr_fields,
        }
    }
}

#[derive(Debug)]
struct Window {
    function: Arc<AggregateUDF>,
    args: Owned,
    /// The rows in the window, the oldest first, in few pieces: most are larger than the next.
    /// Each is an array for each argument.
    rows: VecDeque<Vec<ArrayRef>>,
}

impl Accumulator for Window {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let mut newest = values.to_vec();
        if length(&newest) == 0 {
            return Ok(());
        }
        // Each row is copied as often as its piece doubles.
        while let Some(piece) = self
            .rows
            .pop_back_if(|piece: &mut Vec<ArrayRef>| length(piece) <= length(&newest))
        {
            let columns = piece.iter().zip(&newest);
            let joined = columns.map(|(old, new)| concat(&[old.as_ref(), new.as_ref()]));
            newest = joined.collect::<Result<_, _>>()?;
        }
        self.rows.push_back(newest);
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let mut gone = length(values);
        while gone > 0
            && let Some(piece) = self.rows.front_mut()
        {
            let rows = length(piece);
            if rows > gone {
                for column in piece {
                    *column = column.slice(gone, rows - gone);
                }
                break;
            }
            gone -= rows;
            self.rows.pop_front();
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mut fresh = self.function.accumulator(self.args.args())?;
        for piece in &self.rows {
            fresh.update_batch(piece)?;
        }
        fresh.evaluate()
    }

    fn merge_batch(&mut self, _: &[ArrayRef]) -> Result<()> {
        datafusion::common::internal_err!("a window is not merged")
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        datafusion::common::internal_err!("a window is not merged")
    }

    fn size(&self) -> usize {
        let columns = self.rows.iter().flatten();
        size_of_val(self)
            + columns
                .map(|column| column.get_array_memory_size())
                .sum::<usize>()
    }
}

/// The number of rows.
fn length(columns: &[ArrayRef]) -> usize {
    columns.first().map_or(0, |column| column.len())
}
