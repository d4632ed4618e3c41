//! Column numbers in `GROUP BY` and `ORDER BY`, some of which the engine resolves too late.

use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, OrderByKind, Query, SelectItem, SetExpr, Value, ValueWithSpan,
};

/// Writes the columns in place of their numbers.
pub(super) fn resolve(query: &mut Query) {
    let SetExpr::Select(select) = query.body.as_mut() else {
        return;
    };
    let items = select.projection.clone();
    if let GroupByExpr::Expressions(keys, _) = &mut select.group_by {
        for key in keys {
            if let Some(SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. }) =
                numbered(key, &items)
            {
                *key = expr.clone();
            }
        }
    }
    let order = query.order_by.as_mut().map(|order| &mut order.kind);
    if let Some(OrderByKind::Expressions(keys)) = order {
        for key in keys {
            match numbered(&key.expr, &items) {
                Some(SelectItem::UnnamedExpr(expr)) => key.expr = expr.clone(),
                Some(SelectItem::ExprWithAlias { alias, .. }) => {
                    key.expr = Expr::Identifier(alias.clone());
                }
                _ => {}
            }
        }
    }
}

/// The column of a number, where no star before it hides which one that is. A constant stays a
/// number: in its place it would be one.
fn numbered<'a>(key: &Expr, items: &'a [SelectItem]) -> Option<&'a SelectItem> {
    let Expr::Value(ValueWithSpan {
        value: Value::Number(number, _),
        ..
    }) = key
    else {
        return None;
    };
    let index = number.parse::<usize>().ok()?.checked_sub(1)?;
    let before = items.get(..=index)?;
    let plain = before.iter().all(|item| {
        matches!(
            item,
            SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. }
        )
    });
    let item = items.get(index)?;
    let constant = matches!(
        item,
        SelectItem::UnnamedExpr(Expr::Value(_))
            | SelectItem::ExprWithAlias {
                expr: Expr::Value(_),
                ..
            }
    );
    (plain && !constant).then_some(item)
}
