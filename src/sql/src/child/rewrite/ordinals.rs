//! Resolves ordinals in `GROUP BY` and `ORDER BY`, some of which the engine resolves too late.

use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, Ident, OrderByKind, Query, SelectItem, SetExpr, Value, ValueWithSpan,
};

use super::names::marked;

/// Replaces ordinals by their columns.
pub(super) fn resolve(query: &mut Query) {
    let SetExpr::Select(select) = query.body.as_mut() else {
        return;
    };
    let items = select.projection.clone();
    let distinct = select.distinct.is_some();
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
            if distinct {
                by_alias(&mut key.expr, &mut select.projection);
            }
        }
    }
}

/// Replaces a sort key by the alias of its column if the rows are distinct: the engine then finds
/// columns by name only.
fn by_alias(key: &mut Expr, items: &mut [SelectItem]) {
    if matches!(key, Expr::Identifier(_) | Expr::CompoundIdentifier(_)) {
        return;
    }
    for (index, item) in items.iter_mut().enumerate() {
        let alias = match item {
            SelectItem::UnnamedExpr(expr) if expr == key => {
                Ident::with_quote('"', marked(&expr.to_string(), index))
            }
            SelectItem::ExprWithAlias { expr, alias } if expr == key => alias.clone(),
            _ => continue,
        };
        *item = SelectItem::ExprWithAlias {
            expr: key.clone(),
            alias: alias.clone(),
        };
        *key = Expr::Identifier(alias);
        return;
    }
}

/// The column of an ordinal, unless a star before it hides which one it is, or the column is a
/// constant, which would be an ordinal itself.
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
