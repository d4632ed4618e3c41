//! Queries that depend on the row around them and aggregate without groups: they have a row where
//! there is nothing to aggregate, and the engine, which makes joins of them, has none.

use datafusion::common::not_impl_err;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{InSubquery, SetComparison, SetQuantifier};
use datafusion::logical_expr::{Expr, LogicalPlan, Operator, Subquery};

/// Fails where a query behind `EXISTS` or `IN` is one of these.
pub(super) fn check(subquery: &Subquery, clause: &str) -> Result<()> {
    if subquery.outer_ref_columns.is_empty() {
        return Ok(());
    }
    let mut lost = false;
    subquery.subquery.apply(|plan| {
        lost |= matches!(plan, LogicalPlan::Aggregate(aggregate)
            if aggregate.group_expr.is_empty() && !plan.all_out_ref_exprs().is_empty());
        Ok(TreeNodeRecursion::Continue)
    })?;
    if lost {
        return not_impl_err!(
            "{clause} of an aggregate without GROUP BY that refers to the query around it; \
             compare with the aggregate itself: x = (SELECT max(y) FROM …)"
        );
    }
    Ok(())
}

/// `NOT IN` as `<> ALL`, where the query depends on the row around it: the engine makes a join of
/// the former, which takes a null of one row's query for one of all, and passes over an empty one.
pub(super) fn not_in(within: InSubquery) -> Transformed<Expr> {
    if !within.negated || within.subquery.outer_ref_columns.is_empty() {
        return Transformed::no(Expr::InSubquery(within));
    }
    Transformed::yes(Expr::SetComparison(SetComparison::new(
        within.expr,
        within.subquery,
        Operator::NotEq,
        SetQuantifier::All,
    )))
}
