//! Rewrites of the syntax tree before planning, where the engine misinterprets or lacks a
//! construct. No text is ever concatenated.

mod arrays;
mod casts;
mod exists;
mod formats;
mod membership;
mod names;
mod ordinals;
mod own;
mod parameters;
mod patterns;
mod regression;
mod shared;
mod similar;
mod star;
mod synonyms;
mod timestamps;

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentList,
    FunctionArguments, Ident, ObjectName, Query, Select, Statement, UnaryOperator, VisitMut,
    VisitorMut,
};

use lastcall_domain::SqlParameter;

use super::identifier_case::Known;
use super::shape::last;
use crate::protocol::Failure;

pub(super) use names::shown;

/// Rewrites a query, and binds the values of its placeholders.
pub(super) fn rewrite(
    statement: &mut Statement,
    values: &[SqlParameter],
    known: &Known,
) -> Result<(), Failure> {
    parameters::bind(statement, values)?;
    names::disambiguate(statement);
    match statement.visit(&mut Rewriter { known }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(failure) => Err(failure),
    }
}

struct Rewriter<'a> {
    known: &'a Known,
}

impl VisitorMut for Rewriter<'_> {
    type Break = Failure;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Failure> {
        ordinals::resolve(query);
        synonyms::fetch(query);
        shared::qualify_order(query, self.known)
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Failure> {
        casts::keep_names(select);
        star::expand(select, self.known)?;
        shared::qualify(select, self.known)
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<Failure> {
        membership::with_nulls(select)?;
        exists::count_instead(select)
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Failure> {
        match expr {
            Expr::Cast { .. } => casts::call(expr),
            Expr::Exists { .. } => return exists::of_one_row(expr),
            Expr::AnyOp { right, .. } | Expr::AllOp { right, .. }
                if matches!(**right, Expr::Subquery(_)) =>
            {
                membership::apart(right);
            }
            Expr::AnyOp { .. } => return arrays::with_nulls(expr),
            Expr::SimilarTo { .. } => return similar::as_regular_expression(expr),
            Expr::Like { .. } | Expr::ILike { .. } => patterns::escape_with_backslash(expr),
            Expr::Function(function)
                if is_named(function, "to_char") || is_named(function, "date_format") =>
            {
                return formats::as_strftime(function);
            }
            Expr::Function(function) if is_named(function, "regr_r2") => {
                regression::of_a_constant(expr);
            }
            Expr::Function(_) => synonyms::function(expr),
            Expr::AtTimeZone { .. } => return timestamps::at_time_zone(expr),
            Expr::TypedString(literal) => timestamps::as_written(literal),
            Expr::Value(_) => casts::of_long_number(expr),
            Expr::UnaryOp {
                op: UnaryOperator::Minus,
                expr: inner,
            } => {
                if let Some(power) = minus_first(inner) {
                    *expr = power;
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

/// `-a ^ b` is `(-a) ^ b`, as in PostgreSQL; the parser reads it as `-(a ^ b)`.
fn minus_first(inner: &Expr) -> Option<Expr> {
    let Expr::BinaryOp { left, op, right } = inner else {
        return None;
    };
    if *op != BinaryOperator::BitwiseXor {
        return None;
    }
    let left = minus_first(left).unwrap_or_else(|| Expr::UnaryOp {
        op: UnaryOperator::Minus,
        expr: left.clone(),
    });
    Some(Expr::BinaryOp {
        left: Box::new(left),
        op: op.clone(),
        right: right.clone(),
    })
}

fn is_named(function: &Function, name: &str) -> bool {
    last(&function.name).is_some_and(|other| other.value.eq_ignore_ascii_case(name))
}

/// A call of a function.
fn call(name: &str, args: Vec<Expr>) -> Expr {
    let args = args
        .into_iter()
        .map(|arg| FunctionArg::Unnamed(FunctionArgExpr::Expr(arg)));
    Expr::Function(Function {
        name: ObjectName::from(vec![Ident::new(name)]),
        uses_odbc_syntax: false,
        parameters: FunctionArguments::None,
        args: FunctionArguments::List(FunctionArgumentList {
            duplicate_treatment: None,
            args: args.collect(),
            clauses: Vec::new(),
        }),
        filter: None,
        null_treatment: None,
        over: None,
        within_group: Vec::new(),
    })
}

/// A text.
fn text(value: impl Into<String>) -> Expr {
    use datafusion::sql::sqlparser::ast::Value;
    Expr::value(Value::SingleQuotedString(value.into()))
}
