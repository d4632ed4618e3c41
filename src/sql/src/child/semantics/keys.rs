//! Keys of `GROUP BY`.

use datafusion::common::Column;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, LogicalPlanBuilder};

/// Computes the keys of `ROLLUP`, `CUBE` and `GROUPING SETS` beforehand: the rest of the plan
/// refers to them by their text, which changes when they are rewritten.
pub(super) fn beforehand(plan: LogicalPlan) -> Result<LogicalPlan> {
    let LogicalPlan::Aggregate(aggregate) = plan else {
        return Ok(plan);
    };
    let [Expr::GroupingSet(sets)] = aggregate.group_expr.as_slice() else {
        return Ok(LogicalPlan::Aggregate(aggregate));
    };
    let keys = sets.distinct_expr().into_iter().cloned();
    let keys: Vec<Expr> = keys
        .filter(|key| !matches!(key, Expr::Column(_) | Expr::OuterReferenceColumn(..)))
        .collect();
    if keys.is_empty() {
        return Ok(LogicalPlan::Aggregate(aggregate));
    }
    let column = |key: &Expr| Column::new_unqualified(key.schema_name().to_string());
    let computed = keys.iter().map(|key| key.clone().alias(column(key).name));
    let others = aggregate.input.schema().columns();
    let all: Vec<Expr> = others
        .into_iter()
        .map(Expr::Column)
        .chain(computed)
        .collect();
    let input = LogicalPlanBuilder::from(aggregate.input)
        .project(all)?
        .build()?;
    let replaced = |expr: Expr| {
        let replaced = expr.transform_down(|expr| {
            Ok(match keys.iter().find(|key| **key == expr) {
                Some(key) => {
                    let column = Expr::Column(column(key));
                    Transformed::new(column, true, TreeNodeRecursion::Jump)
                }
                None => Transformed::no(expr),
            })
        })?;
        Ok(replaced.data)
    };
    let in_grouping = |expr: Expr| match &expr {
        Expr::AggregateFunction(call) if call.func.name() == "grouping" => replaced(expr),
        _ => Ok(expr),
    };
    let sets = aggregate.group_expr.into_iter().map(replaced);
    let sets = sets.collect::<Result<Vec<_>>>()?;
    let figures = aggregate.aggr_expr.into_iter().map(in_grouping);
    let figures = figures.collect::<Result<Vec<_>>>()?;
    Ok(LogicalPlan::Aggregate(Aggregate::try_new(
        input.into(),
        sets,
        figures,
    )?))
}
