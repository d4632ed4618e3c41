//! Correlated subqueries that aggregate without groups: they have a row even if there is nothing
//! to aggregate; the engine, which converts them to joins, has none.

use datafusion::common::not_impl_err;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{InSubquery, SetComparison, SetQuantifier};
use datafusion::logical_expr::{Expr, LogicalPlan, Operator, Subquery};

/// Fails if the subquery of `EXISTS` or `IN` is one of these.
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

/// Rewrites a correlated `NOT IN` to `<> ALL`: the engine converts the former to a join, which
/// takes a null of one row's subquery for one of all, and ignores an empty one.
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
