//! Conditions that protect others: `x <> 0 AND 10 / x > 1`.
//!
//! The engine computes every term of a condition for most rows. Here a term that can fail is
//! computed only for the rows that the terms that cannot fail have left, wherever in the query
//! they stood, and one that follows another only for what that one has left.

use std::sync::Arc;

use arrow::datatypes::{DataType, Schema};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::logical_expr::Operator;
use datafusion::physical_expr::expressions::{
    BinaryExpr, CaseExpr, CastExpr, Column, InListExpr, IsNotNullExpr, IsNullExpr, LikeExpr,
    Literal, NotExpr, TryCastExpr, case, lit,
};
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr, conjunction, split_conjunction};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::{FilterExec, FilterExecBuilder};
use datafusion::physical_plan::joins::utils::JoinFilter;
use datafusion::physical_plan::joins::{
    HashJoinExec, HashJoinExecBuilder, NestedLoopJoinExec, NestedLoopJoinExecBuilder,
};

use super::semantics::may_fail;

/// Orders the terms of the final filters and joins.
#[derive(Debug)]
pub(super) struct Guards;

impl PhysicalOptimizerRule for Guards {
    fn name(&self) -> &str {
        "guards"
    }

    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|plan| {
            Ok(match guarded(&plan)? {
                Some(guarded) => Transformed::yes(guarded),
                None => Transformed::no(plan),
            })
        })
        .data()
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The filter or join with its terms in order; `None` if there is nothing to protect.
fn guarded(plan: &Arc<dyn ExecutionPlan>) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    if let Some(filter) = plan.downcast_ref::<FilterExec>() {
        let ordered = in_order(filter.predicate(), &filter.input().schema())?;
        let builder = |predicate| FilterExecBuilder::from(filter).with_predicate(predicate);
        let filter = ordered.map(|predicate| builder(predicate).build());
        return Ok(filter.transpose()?.map(|filter| Arc::new(filter) as _));
    }
    if let Some(join) = plan.downcast_ref::<HashJoinExec>() {
        let filter = join.filter().map(join_in_order).transpose()?.flatten();
        let builder = |filter| HashJoinExecBuilder::from(join).with_filter(Some(filter));
        let join = filter.map(|filter| builder(filter).build());
        return Ok(join.transpose()?.map(|join| Arc::new(join) as _));
    }
    if let Some(join) = plan.downcast_ref::<NestedLoopJoinExec>() {
        let filter = join.filter().map(join_in_order).transpose()?.flatten();
        let builder = |filter| NestedLoopJoinExecBuilder::from(join).with_filter(Some(filter));
        let join = filter.map(|filter| builder(filter).build());
        return Ok(join.transpose()?.map(|join| Arc::new(join) as _));
    }
    Ok(None)
}

fn join_in_order(filter: &JoinFilter) -> Result<Option<JoinFilter>> {
    let ordered = in_order(filter.expression(), filter.schema())?;
    let columns = filter.column_indices().to_vec();
    Ok(ordered.map(|terms| JoinFilter::new(terms, columns, Arc::clone(filter.schema()))))
}

/// The terms of a condition in order. Where one is null, the whole is false here, as it is only
/// asked whether it is true.
fn in_order(
    condition: &Arc<dyn PhysicalExpr>,
    schema: &Schema,
) -> Result<Option<Arc<dyn PhysicalExpr>>> {
    let terms = split_conjunction(condition).into_iter().cloned();
    let (risky, safe): (Vec<_>, Vec<_>) = terms.partition(|term| can_fail(term, schema));
    if risky.is_empty() || risky.len() + safe.len() == 1 {
        return Ok(None);
    }
    let mut ordered = (!safe.is_empty()).then(|| conjunction(safe));
    for term in risky {
        ordered = Some(match ordered {
            None => term,
            Some(before) => case(None, vec![(before, term)], Some(lit(false)))?,
        });
    }
    Ok(ordered)
}

/// Whether an expression may fail on some values.
fn can_fail(expr: &Arc<dyn PhysicalExpr>, schema: &Schema) -> bool {
    let own = if let Some(binary) = expr.downcast_ref::<BinaryExpr>() {
        is_arithmetic(*binary.op())
    } else if let Some(cast) = expr.downcast_ref::<CastExpr>() {
        let from = cast.expr().data_type(schema);
        !from.is_ok_and(|from| is_widening(&from, cast.cast_type()))
    } else if let Some(call) = expr.downcast_ref::<ScalarFunctionExpr>() {
        may_fail(call.name())
    } else {
        !(expr.is::<Column>()
            || expr.is::<Literal>()
            || expr.is::<NotExpr>()
            || expr.is::<IsNullExpr>()
            || expr.is::<IsNotNullExpr>()
            || expr.is::<InListExpr>()
            || expr.is::<LikeExpr>()
            || expr.is::<CaseExpr>()
            || expr.is::<TryCastExpr>())
    };
    own || expr
        .children()
        .into_iter()
        .any(|part| can_fail(part, schema))
}

/// Whether it is an operation that may overflow or divide by zero.
fn is_arithmetic(op: Operator) -> bool {
    use Operator::{Divide, Minus, Modulo, Multiply, Plus};
    matches!(op, Plus | Minus | Multiply | Divide | Modulo)
}

/// Whether every value of a type has a value of another.
pub(super) fn is_widening(from: &DataType, to: &DataType) -> bool {
    use DataType::{
        Boolean, Date32, Float64, Int8, Int64, LargeUtf8, Timestamp, UInt64, Utf8, Utf8View,
    };
    match (from, to) {
        _ if from == to => true,
        (_, Utf8 | LargeUtf8 | Utf8View) => true,
        (Boolean, Int8) | (Int8, Boolean) => true,
        (number, Float64) => number.is_numeric(),
        (whole, Int64) => whole.is_integer() && *whole != UInt64,
        (Date32 | Timestamp(..), Timestamp(..)) => true,
        _ => false,
    }
}
