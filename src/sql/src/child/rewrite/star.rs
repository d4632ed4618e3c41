//! Expands `*` over joins by `USING` as in PostgreSQL: the shared columns first and once, from the
//! table that has them in every row. The engine takes them from the table that sorts first by name.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    ExcludeSelectItem, Expr, Ident, Join, JoinConstraint, JoinOperator, ObjectName, Select,
    SelectItem, SelectItemQualifiedWildcardKind, TableFactor, TableWithJoins,
    WildcardAdditionalOptions,
};

use super::shared::relation;
use crate::child::identifier_case::Known;
use crate::child::shape::last;
use crate::error::Fault;
use crate::protocol::{Failure, FailureKind};

/// Replaces a `*` by the columns.
pub(super) fn expand(select: &mut Select, known: &Known) -> ControlFlow<Failure> {
    let stars = |item: &SelectItem| matches!(item, SelectItem::Wildcard(_));
    let joins = || select.from.iter().flat_map(joins_of);
    let shares = |by: &JoinConstraint| matches!(by, JoinConstraint::Using(_));
    if !select.projection.iter().any(stars)
        || !joins().any(|join| by(&join.join_operator).is_some_and(shares))
    {
        return ControlFlow::Continue(());
    }
    let plain = select.projection.iter().all(|item| match item {
        SelectItem::Wildcard(options) => {
            *options
                == WildcardAdditionalOptions {
                    wildcard_token: options.wildcard_token.clone(),
                    ..WildcardAdditionalOptions::default()
                }
        }
        _ => true,
    });
    let columns: Option<Vec<_>> = select
        .from
        .iter()
        .map(|from| columns(from, known))
        .collect();
    let Some(columns) = columns.filter(|_| plain) else {
        let outer = joins().any(|join| {
            matches!(
                &join.join_operator,
                JoinOperator::Left(_) | JoinOperator::LeftOuter(_)
            )
        });
        if !outer {
            return ControlFlow::Continue(());
        }
        let fault = Fault::new("not supported: * over this join with USING");
        let fault = fault.suggest(Some("name the columns, or write ON a.x = b.x".into()));
        return ControlFlow::Break(FailureKind::Invalid.because(fault));
    };
    let columns: Vec<SelectItem> = columns.into_iter().flatten().collect();
    let items = std::mem::take(&mut select.projection);
    select.projection = items
        .into_iter()
        .flat_map(|item| match stars(&item) {
            true => columns.clone(),
            false => vec![item],
        })
        .collect();
    ControlFlow::Continue(())
}

/// All joins, including those in parentheses.
fn joins_of(from: &TableWithJoins) -> Vec<&Join> {
    let joined = from.joins.iter().map(|join| &join.relation);
    let factors = std::iter::once(&from.relation).chain(joined);
    let nested = factors.filter_map(|factor| match factor {
        TableFactor::NestedJoin {
            table_with_joins, ..
        } => Some(joins_of(table_with_joins)),
        _ => None,
    });
    nested.flatten().chain(&from.joins).collect()
}

fn by(operator: &JoinOperator) -> Option<&JoinConstraint> {
    match operator {
        JoinOperator::Join(by)
        | JoinOperator::Inner(by)
        | JoinOperator::Left(by)
        | JoinOperator::LeftOuter(by)
        | JoinOperator::Right(by)
        | JoinOperator::RightOuter(by)
        | JoinOperator::FullOuter(by)
        | JoinOperator::CrossJoin(by) => Some(by),
        _ => None,
    }
}

/// The shared columns, then the other columns of each table; `None` if a table has no name, or the
/// table of a column is unknown.
fn columns(from: &TableWithJoins, known: &Known) -> Option<Vec<SelectItem>> {
    if let TableFactor::NestedJoin {
        table_with_joins,
        alias: None,
    } = &from.relation
        && from.joins.is_empty()
    {
        return columns(table_with_joins, known);
    }
    let first = relation(&from.relation)?;
    let mut tables: Vec<(Ident, Vec<Ident>)> = vec![(first, Vec::new())];
    let mut shared: Vec<(Ident, Ident)> = Vec::new();
    for join in &from.joins {
        let right = relation(&join.relation)?;
        let mut excluded = Vec::new();
        let constraint = by(&join.join_operator)?;
        if matches!(constraint, JoinConstraint::Natural) {
            return None;
        }
        if let JoinConstraint::Using(names) = constraint {
            let mut front = Vec::new();
            for column in names.iter().filter_map(last) {
                let before = shared
                    .iter()
                    .position(|(_, name)| name.value == column.value);
                let table = match before {
                    Some(index) => shared.remove(index).0,
                    None => {
                        let index = match tables.as_slice() {
                            [_] => 0,
                            several => several
                                .iter()
                                .position(|(table, _)| known.has(&table.value, &column.value))?,
                        };
                        let (table, excluded) = tables.get_mut(index)?;
                        excluded.push(column.clone());
                        table.clone()
                    }
                };
                front.push((table, column.clone()));
                excluded.push(column.clone());
            }
            front.append(&mut shared);
            shared = front;
        }
        tables.push((right, excluded));
    }
    let shared = shared.into_iter().map(|(table, column)| {
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(vec![table, column]))
    });
    let rest = tables.into_iter().map(|(table, excluded)| {
        let names = excluded
            .into_iter()
            .map(|name| ObjectName::from(vec![name]));
        let names: Vec<ObjectName> = names.collect();
        let options = WildcardAdditionalOptions {
            opt_exclude: (!names.is_empty()).then_some(ExcludeSelectItem::Multiple(names)),
            ..WildcardAdditionalOptions::default()
        };
        let table = SelectItemQualifiedWildcardKind::ObjectName(ObjectName::from(vec![table]));
        SelectItem::QualifiedWildcard(table, options)
    });
    Some(shared.chain(rest).collect())
}
