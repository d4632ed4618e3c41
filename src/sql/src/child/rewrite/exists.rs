//! `EXISTS` in the SELECT list, which the engine supports only in conditions: rewritten to a
//! count.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, GroupByExpr, Query, Select, SelectItem, SetExpr, Value,
};

use super::own;
use crate::error::Fault;
use crate::protocol::{Failure, FailureKind};

/// Counts the rows in place of each `EXISTS` among the columns.
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
