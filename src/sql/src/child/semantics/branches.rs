//! The common types of what becomes one column: the branches of `CASE`, the queries of `UNION`.

use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TreeNodeRewriter};
use datafusion::error::Result;
use datafusion::logical_expr::expr::Case;
use datafusion::logical_expr::{
    Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder, Union, cast, lit,
};
use datafusion::optimizer::analyzer::type_coercion::TypeCoercionRewriter;

/// Casts the branches to their common type, which the engine does later: until then, it takes the
/// type of the first one for that of all.
pub(super) fn case(case: Case, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let case = Expr::Case(in_micros(case, schema)?);
    TypeCoercionRewriter::new(schema).f_up(case)
}

/// Casts the branches to timestamps in microseconds if some are timestamps and others dates.
fn in_micros(mut case: Case, schema: &DFSchema) -> Result<Case> {
    let mut branches: Vec<&mut Box<Expr>> = case
        .when_then_expr
        .iter_mut()
        .map(|(_, then)| then)
        .collect();
    branches.extend(case.else_expr.as_mut());
    let types = branches
        .iter()
        .map(|branch| branch.get_type(schema))
        .collect::<Result<Vec<_>>>()?;
    let Some(micros) = timestamp_among(&types) else {
        return Ok(case);
    };
    for (branch, data_type) in branches.into_iter().zip(&types) {
        if *data_type == DataType::Date32 {
            **branch = cast(std::mem::replace(&mut **branch, lit(0)), micros.clone());
        }
    }
    Ok(case)
}

/// The type of the first timestamp, in microseconds.
pub(super) fn timestamp_among<'a>(
    types: impl IntoIterator<Item = &'a DataType>,
) -> Option<DataType> {
    types.into_iter().find_map(|data_type| match data_type {
        DataType::Timestamp(_, zone) => {
            Some(DataType::Timestamp(TimeUnit::Microsecond, zone.clone()))
        }
        _ => None,
    })
}

/// Casts the columns of a union to their common types, which the engine does later: until then, it
/// takes those of the first query for those of all.
pub(super) fn union(union: Union) -> Result<LogicalPlan> {
    let inputs = union_in_micros(union)?;
    TypeCoercionRewriter::coerce_union(Union::try_new_with_loose_types(inputs)?)
}

/// Casts columns of dates and timestamps to timestamps in microseconds.
fn union_in_micros(union: Union) -> Result<Vec<Arc<LogicalPlan>>> {
    let columns = union.schema.fields().len();
    let kinds: Vec<Option<DataType>> = (0..columns)
        .map(|column| {
            let types = union
                .inputs
                .iter()
                .map(|input| input.schema().field(column).data_type());
            let dates = types
                .clone()
                .any(|data_type| *data_type == DataType::Date32);
            timestamp_among(types).filter(|_| dates)
        })
        .collect();
    if kinds.iter().all(Option::is_none) {
        return Ok(union.inputs);
    }
    let inputs = union.inputs.into_iter().map(|input| {
        let columns = input.schema().columns();
        let columns = columns
            .into_iter()
            .zip(&kinds)
            .enumerate()
            .map(|(index, (column, kind))| {
                let name = column.name.clone();
                let date = *input.schema().field(index).data_type() == DataType::Date32;
                match kind {
                    Some(micros) if date => cast(Expr::Column(column), micros.clone()).alias(name),
                    _ => Expr::Column(column),
                }
            });
        let columns: Vec<Expr> = columns.collect();
        let plan = LogicalPlanBuilder::from(input).project(columns)?.build()?;
        Ok(Arc::new(plan))
    });
    inputs.collect()
}
