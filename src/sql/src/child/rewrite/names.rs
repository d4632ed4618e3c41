//! Disambiguates columns of the same name, which the engine does not support.

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Ident, ObjectName, Query, Select, SelectItem, SetExpr, Statement, VisitMut, VisitorMut,
};

use super::synonyms;
use crate::child::functions;
use crate::child::shape::last;

/// The separator between the name of a column and the number that makes it unique.
const MARK: char = '\u{1f}';

/// The name of a column in the result.
pub(in crate::child) fn shown(name: &str) -> &str {
    name.split(MARK).next().unwrap_or_default()
}

/// A unique name, which is shown without its number.
pub(super) fn marked(name: &str, index: usize) -> String {
    format!("{name}{MARK}{index}")
}

/// Makes the names of columns unique. Within subqueries only unnamed columns change, so that a
/// reference to a duplicate name remains ambiguous.
pub(super) fn disambiguate(statement: &mut Statement) {
    if let Statement::Query(query) = statement {
        outermost(&mut query.body);
    }
    // The visitor never breaks.
    let _: ControlFlow<()> = statement.visit(&mut Unnamed);
}

fn outermost(body: &mut SetExpr) {
    match body {
        SetExpr::Select(select) => mark(select, true),
        SetExpr::Query(query) => outermost(&mut query.body),
        SetExpr::SetOperation { left, right, .. } => {
            outermost(left);
            outermost(right);
        }
        _ => {}
    }
}

struct Unnamed;

impl VisitorMut for Unnamed {
    type Break = ();

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<()> {
        mark(select, false);
        ControlFlow::Continue(())
    }
}

fn mark(select: &mut Select, named: bool) {
    let star = select.projection.iter().any(is_star);
    let mut seen: Vec<(String, Option<String>)> = Vec::new();
    let mut texts = HashSet::new();
    for index in 0..select.projection.len() {
        let item = &select.projection[index];
        let (expr, taken) = match item {
            SelectItem::UnnamedExpr(expr @ (Expr::Identifier(_) | Expr::CompoundIdentifier(_))) => {
                let Some((name, table)) = parts(expr) else {
                    continue;
                };
                (expr, star || is_seen(&mut seen, name, table))
            }
            SelectItem::UnnamedExpr(expr) => (expr, !texts.insert(engine_name(expr))),
            SelectItem::ExprWithAlias { expr, alias } => {
                (expr, is_seen(&mut seen, alias.value.clone(), None))
            }
            _ => continue,
        };
        let unnamed = matches!(item, SelectItem::UnnamedExpr(_)) && parts(expr).is_none();
        if taken && (named || unnamed) {
            let name = match item {
                SelectItem::ExprWithAlias { alias, .. } => alias.value.clone(),
                _ => parts(expr).map_or_else(|| expr.to_string(), |(name, _)| name),
            };
            select.projection[index] = SelectItem::ExprWithAlias {
                expr: expr.clone(),
                alias: Ident::with_quote('"', marked(&name, index)),
            };
        }
    }
}

/// A text that is equal for expressions with the same name in the engine, which resolves aliases of
/// functions, and has no names for subqueries.
fn engine_name(expr: &Expr) -> String {
    let mut expr = expr.clone();
    if expr.visit(&mut Normalize).is_break() {
        return "(a query)".into();
    }
    expr.to_string()
}

struct Normalize;

impl VisitorMut for Normalize {
    type Break = ();

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<()> {
        ControlFlow::Break(())
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        match expr {
            Expr::Function(function) => {
                if let Some(name) = last(&function.name) {
                    let name = name.value.to_lowercase();
                    let name = synonyms::renamed(&name).unwrap_or(&name);
                    let name = functions::first_name(name);
                    function.name = ObjectName::from(vec![Ident::new(name)]);
                }
            }
            // Long numbers are rewritten to casts.
            Expr::Cast { expr: inner, .. } => {
                if let Some(number) = number(inner) {
                    *expr = number.clone();
                }
            }
            Expr::Substring {
                shorthand, special, ..
            } => {
                *shorthand = false;
                *special = true;
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

fn number(expr: &Expr) -> Option<&Expr> {
    match expr {
        Expr::Value(_) => Some(expr),
        Expr::Cast { expr, .. } => number(expr),
        _ => None,
    }
}

fn is_star(item: &SelectItem) -> bool {
    matches!(
        item,
        SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..)
    )
}

/// The name of a column, and of its table.
fn parts(expr: &Expr) -> Option<(String, Option<String>)> {
    match expr {
        Expr::Identifier(name) => Some((name.value.clone(), None)),
        Expr::CompoundIdentifier(names) => match names.as_slice() {
            [.., table, name] => Some((name.value.clone(), Some(table.value.clone()))),
            _ => None,
        },
        _ => None,
    }
}

/// Whether the name clashes with an earlier one in the engine.
fn is_seen(seen: &mut Vec<(String, Option<String>)>, name: String, table: Option<String>) -> bool {
    let clash = seen.iter().any(|(other, other_table)| {
        *other == name && (table.is_none() || other_table.is_none() || *other_table == table)
    });
    seen.push((name, table));
    clash
}
