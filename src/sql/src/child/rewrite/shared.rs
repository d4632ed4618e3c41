//! Qualifies columns joined by `USING`: unqualified, they are the left table's in every clause.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, Ident, JoinConstraint, JoinOperator, OrderByKind, Query, Select, SelectItem,
    SetExpr, TableFactor, TableWithJoins,
};

use super::own;
use crate::child::identifier_case::Known;
use crate::child::shape::last;
use crate::protocol::Failure;

/// Qualifies each shared column in `ORDER BY`, unless a result column has its name.
pub(super) fn qualify_order(query: &mut Query, known: &Known) -> ControlFlow<Failure> {
    let SetExpr::Select(select) = query.body.as_ref() else {
        return ControlFlow::Continue(());
    };
    let mut shared = shared(select, known);
    for item in &select.projection {
        match item {
            SelectItem::UnnamedExpr(Expr::Identifier(name)) => shared.remove(&name.value),
            SelectItem::UnnamedExpr(Expr::CompoundIdentifier(names)) => {
                names.last().and_then(|name| shared.remove(&name.value))
            }
            SelectItem::ExprWithAlias { alias, .. } => shared.remove(&alias.value),
            SelectItem::Wildcard(_) => return ControlFlow::Continue(()),
            _ => None,
        };
    }
    let Some(OrderByKind::Expressions(keys)) = query.order_by.as_mut().map(|by| &mut by.kind)
    else {
        return ControlFlow::Continue(());
    };
    for key in keys {
        own::each(&mut key.expr, &mut |expr| name(expr, &shared))?;
    }
    ControlFlow::Continue(())
}

fn shared(select: &Select, known: &Known) -> HashMap<String, Ident> {
    let mut shared = HashMap::new();
    for from in &select.from {
        collect(from, known, &mut shared);
    }
    shared
}

fn name(expr: &mut Expr, shared: &HashMap<String, Ident>) -> ControlFlow<Failure> {
    if let Expr::Identifier(column) = expr
        && let Some(table) = shared.get(&column.value)
    {
        *expr = Expr::CompoundIdentifier(vec![table.clone(), column.clone()]);
    }
    ControlFlow::Continue(())
}

/// Qualifies each shared column.
pub(super) fn qualify(select: &mut Select, known: &Known) -> ControlFlow<Failure> {
    let shared = shared(select, known);
    if shared.is_empty() {
        return ControlFlow::Continue(());
    }
    let items = select.projection.iter_mut().filter_map(|item| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        _ => None,
    });
    let keys = match &mut select.group_by {
        GroupByExpr::Expressions(keys, _) => keys.as_mut_slice(),
        GroupByExpr::All(_) => &mut [],
    };
    let clauses = select.selection.iter_mut().chain(&mut select.having);
    for expr in items.chain(keys).chain(clauses) {
        own::each(expr, &mut |expr| name(expr, &shared))?;
    }
    ControlFlow::Continue(())
}

/// Collects the shared columns, each with its table; returns the names of the tables.
fn collect(
    from: &TableWithJoins,
    known: &Known,
    shared: &mut HashMap<String, Ident>,
) -> Vec<Ident> {
    let mut left = tables(&from.relation, known, shared);
    for join in &from.joins {
        if let Some(JoinConstraint::Using(columns)) = constraint(&join.join_operator) {
            for column in columns.iter().filter_map(last) {
                let has = |table: &&Ident| known.has(&table.value, &column.value);
                let table = match left.as_slice() {
                    [only] => Some(only),
                    several => several.iter().find(has),
                };
                if let Some(table) = table {
                    let entry = shared.entry(column.value.clone());
                    entry.or_insert_with(|| table.clone());
                }
            }
        }
        left.extend(tables(&join.relation, known, shared));
    }
    left
}

fn tables(factor: &TableFactor, known: &Known, shared: &mut HashMap<String, Ident>) -> Vec<Ident> {
    match factor {
        TableFactor::NestedJoin {
            table_with_joins,
            alias: None,
        } => collect(table_with_joins, known, shared),
        other => relation(other).into_iter().collect(),
    }
}

fn constraint(operator: &JoinOperator) -> Option<&JoinConstraint> {
    match operator {
        JoinOperator::Join(by)
        | JoinOperator::Inner(by)
        | JoinOperator::Left(by)
        | JoinOperator::LeftOuter(by) => Some(by),
        _ => None,
    }
}

/// The name of a table in the query.
pub(super) fn relation(factor: &TableFactor) -> Option<Ident> {
    match factor {
        TableFactor::Table { name, alias, .. } => match alias {
            Some(alias) => Some(alias.name.clone()),
            None => last(name).cloned(),
        },
        TableFactor::Derived { alias, .. } => alias.as_ref().map(|alias| alias.name.clone()),
        _ => None,
    }
}
