//! Columns joined by `USING`: unqualified, they mean the left table's in every clause.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, Ident, JoinConstraint, JoinOperator, Select, SelectItem, TableFactor,
    TableWithJoins,
};

use super::own;
use crate::child::identifier_case::Known;
use crate::child::shape::last;
use crate::protocol::Failure;

/// Writes the table before each shared column.
pub(super) fn qualify(select: &mut Select, known: &Known) -> ControlFlow<Failure> {
    let mut shared = HashMap::new();
    for from in &select.from {
        collect(from, known, &mut shared);
    }
    if shared.is_empty() {
        return ControlFlow::Continue(());
    }
    let mut name = |expr: &mut Expr| {
        if let Expr::Identifier(column) = expr
            && let Some(table) = shared.get(&column.value)
        {
            *expr = Expr::CompoundIdentifier(vec![table.clone(), column.clone()]);
        }
        ControlFlow::Continue(())
    };
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
        own::each(expr, &mut name)?;
    }
    ControlFlow::Continue(())
}

fn collect(from: &TableWithJoins, known: &Known, shared: &mut HashMap<String, Ident>) {
    let mut left: Vec<Ident> = relation(&from.relation).into_iter().collect();
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
        left.extend(relation(&join.relation));
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

/// The name by which the query knows a table.
fn relation(factor: &TableFactor) -> Option<Ident> {
    match factor {
        TableFactor::Table { name, alias, .. } => match alias {
            Some(alias) => Some(alias.name.clone()),
            None => last(name).cloned(),
        },
        TableFactor::Derived { alias, .. } => alias.as_ref().map(|alias| alias.name.clone()),
        _ => None,
    }
}
