//! Columns of the query around a subquery, whose types may have changed since planning.

use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, ExprSchema};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan, Subquery};

/// Gives a reference to an outer column the type that the column has.
pub(super) fn refresh_type(expr: Expr, outer: &DFSchema) -> Transformed<Expr> {
    let Expr::OuterReferenceColumn(field, column) = expr else {
        return Transformed::no(expr);
    };
    match outer.field_from_column(&column) {
        Ok(now) if now.data_type() != field.data_type() => {
            Transformed::yes(Expr::OuterReferenceColumn(Arc::clone(now), column))
        }
        _ => Transformed::no(Expr::OuterReferenceColumn(field, column)),
    }
}

/// Does the same to the list of a subquery's references.
pub(super) fn refresh_list(plan: LogicalPlan, outer: &DFSchema) -> Result<LogicalPlan> {
    let LogicalPlan::Subquery(subquery) = plan else {
        return Ok(plan);
    };
    let columns = subquery.outer_ref_columns.into_iter();
    let columns = columns.map(|expr| {
        Ok(expr
            .transform_up(|expr| Ok(refresh_type(expr, outer)))?
            .data)
    });
    Ok(LogicalPlan::Subquery(Subquery {
        outer_ref_columns: columns.collect::<Result<_>>()?,
        ..subquery
    }))
}
