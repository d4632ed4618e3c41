//! Rewrites `EXISTS` in the SELECT list to a count, as the engine supports it only in conditions;
//! and `EXISTS` of a query that always has one row, where the engine would count the rows before
//! the aggregation.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, GroupByExpr, Query, Select, SelectItem, SetExpr, Value,
};

use super::own;
use crate::child::functions;
use crate::error::Fault;
use crate::protocol::{Failure, FailureKind};

/// Replaces each `EXISTS` in the SELECT list by a count of the rows.
pub(super) fn count_instead(select: &mut Select) -> ControlFlow<Failure> {
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
            own::each(expr, &mut replace)?;
        }
    }
    ControlFlow::Continue(())
}

fn replace(expr: &mut Expr) -> ControlFlow<Failure> {
    let Expr::Exists { subquery, negated } = expr else {
        return ControlFlow::Continue(());
    };
    let Some(count) = count(subquery) else {
        let fault = Fault::new(
            "not supported: EXISTS among the columns, of a query that groups or limits its rows",
        );
        let fault = fault.suggest(Some("write it in WHERE".into()));
        return ControlFlow::Break(FailureKind::Invalid.because(fault));
    };
    *expr = Expr::Nested(Box::new(Expr::BinaryOp {
        left: Box::new(Expr::Subquery(Box::new(count))),
        op: if *negated {
            BinaryOperator::Eq
        } else {
            BinaryOperator::Gt
        },
        right: Box::new(Expr::value(Value::Number("0".into(), false))),
    }));
    ControlFlow::Continue(())
}

/// The query that counts the rows of a query.
fn count(query: &Query) -> Option<Query> {
    let mut query = query.clone();
    let plain = query.limit_clause.is_none() && query.fetch.is_none() && query.with.is_none();
    let SetExpr::Select(select) = query.body.as_mut() else {
        return None;
    };
    let ungrouped = matches!(&select.group_by, GroupByExpr::Expressions(by, _) if by.is_empty())
        && select.having.is_none()
        && select.distinct.is_none()
        && select.qualify.is_none();
    if !plain || !ungrouped {
        return None;
    }
    query.order_by = None;
    let one = Expr::value(Value::Number("1".into(), false));
    select.projection = vec![SelectItem::UnnamedExpr(super::call("count", vec![one]))];
    Some(query)
}

/// An aggregate without `GROUP BY` always has one row.
pub(super) fn of_one_row(expr: &mut Expr) -> ControlFlow<Failure> {
    let Expr::Exists { subquery, negated } = expr else {
        return ControlFlow::Continue(());
    };
    let SetExpr::Select(select) = subquery.body.as_mut() else {
        return ControlFlow::Continue(());
    };
    let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(by, _) if by.is_empty());
    if grouped || !aggregates(select) {
        return ControlFlow::Continue(());
    }
    let plain = select.having.is_none()
        && select.qualify.is_none()
        && subquery.limit_clause.is_none()
        && subquery.fetch.is_none();
    if !plain {
        let fault = Fault::new(
            "not supported: EXISTS of an aggregate without GROUP BY, with HAVING or LIMIT",
        );
        let fault = fault.suggest(Some(
            "compare the aggregate instead: (SELECT count(*) FROM …) > 0".into(),
        ));
        return ControlFlow::Break(FailureKind::Invalid.because(fault));
    }
    *expr = Expr::value(Value::Boolean(!*negated));
    ControlFlow::Continue(())
}

/// Whether a query computes aggregates, in its columns or its `HAVING`.
fn aggregates(select: &mut Select) -> bool {
    if select.having.is_some() {
        return true;
    }
    let mut found = false;
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
            // The visitor never breaks.
            let _ = own::each(expr, &mut |expr| {
                found |= functions::is_aggregate(expr);
                ControlFlow::Continue(())
            });
        }
    }
    found
}
