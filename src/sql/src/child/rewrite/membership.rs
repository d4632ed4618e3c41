//! Rewrites `IN`, `ANY` and `ALL` over a subquery where the engine misinterprets nulls or columns.
//!
//! `x IN (…)` is null if no row is equal and one is null. The engine supports that only for a
//! `NOT IN` that is a term of a condition; elsewhere it takes null for false, which is harmless
//! where only true counts. Everything else is rewritten to counts, which have no nulls.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Ident, JoinConstraint, JoinOperator, Query, Select, SelectItem, SetExpr,
    TableFactor, UnaryOperator, Value, ValueWithSpan, Visit, VisitMut, Visitor, VisitorMut,
};
use datafusion::sql::sqlparser::parser::Parser;

use super::own;
use crate::child::dialect::Grammar;
use crate::child::functions;
use crate::error::Fault;
use crate::protocol::{Failure, FailureKind};

/// The alias of a subquery's rows; no query uses it by accident.
const ROWS: &str = "\u{1f}rows";

/// The name of their column.
const VALUE: &str = "\u{1f}value";

/// Whether `$1` is in a subquery, with nulls.
const IN: &str = "(case
    when (select count(*) from (select 1) as \"\u{1f}rows\"(\"\u{1f}value\") where \"\u{1f}value\" = ($1)) > 0 then true
    when ($1) is null and (select count(*) from (select 1) as \"\u{1f}rows\"(\"\u{1f}value\")) > 0 then null
    when (select count(*) from (select 1) as \"\u{1f}rows\"(\"\u{1f}value\") where \"\u{1f}value\" is null) > 0 then null
    else false end)";

/// All rows of a subquery, with the alias.
const ROWS_OF: &str = "(select \"\u{1f}value\" from (select 1) as \"\u{1f}rows\"(\"\u{1f}value\"))";

/// Gives the column of the subquery of `ANY` or `ALL` an alias, so that it is not mistaken for the
/// column of the same name on the other side.
pub(super) fn apart(right: &mut Expr) {
    let Expr::Subquery(query) = right else {
        return;
    };
    if let SetExpr::Select(select) = query.body.as_mut()
        && let [item] = select.projection.as_mut_slice()
        && let SelectItem::UnnamedExpr(expr) = item
    {
        *item = SelectItem::ExprWithAlias {
            expr: expr.clone(),
            alias: Ident::with_quote('"', VALUE),
        };
    } else if let Some(rows) = template(ROWS_OF, None, query)
        && let Expr::Subquery(rows) = rows
    {
        *query = rows;
    }
}

/// Rewrites each `IN` whose nulls would be lost.
pub(super) fn with_nulls(select: &mut Select) -> ControlFlow<Failure> {
    let joins = select.from.iter_mut().flat_map(|from| &mut from.joins);
    let on = joins.filter_map(|join| match &mut join.join_operator {
        JoinOperator::Join(JoinConstraint::On(on))
        | JoinOperator::Inner(JoinConstraint::On(on))
        | JoinOperator::Left(JoinConstraint::On(on))
        | JoinOperator::LeftOuter(JoinConstraint::On(on))
        | JoinOperator::Right(JoinConstraint::On(on))
        | JoinOperator::RightOuter(JoinConstraint::On(on))
        | JoinOperator::FullOuter(JoinConstraint::On(on)) => Some(on),
        _ => None,
    });
    let conditions = on
        .chain(&mut select.selection)
        .chain(&mut select.having)
        .chain(&mut select.qualify);
    for expr in conditions {
        condition(expr, true, true)?;
    }
    for item in &mut select.projection {
        if let SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } = item {
            own::each(expr, &mut as_in)?;
            value(expr)?;
        }
    }
    ControlFlow::Continue(())
}

/// Rewrites `= ANY` and `<> ALL` to `IN` and `NOT IN`, as the engine does not support them in the
/// SELECT list.
fn as_in(expr: &mut Expr) -> ControlFlow<Failure> {
    let (member, op, right, all) = match expr {
        Expr::AnyOp {
            left,
            compare_op,
            right,
            ..
        } => (left, compare_op, right, false),
        Expr::AllOp {
            left,
            compare_op,
            right,
        } => (left, compare_op, right, true),
        _ => return ControlFlow::Continue(()),
    };
    let Expr::Subquery(subquery) = &**right else {
        return ControlFlow::Continue(());
    };
    let same = if all {
        BinaryOperator::NotEq
    } else {
        BinaryOperator::Eq
    };
    if *op != same {
        let fault = Fault::new("not supported: ANY and ALL among the columns");
        let fault = fault.suggest(Some(
            "compare with (SELECT min(…) …) or (SELECT max(…) …), or write it in WHERE".into(),
        ));
        return ControlFlow::Break(FailureKind::Invalid.because(fault));
    }
    *expr = Expr::InSubquery {
        expr: member.clone(),
        subquery: subquery.clone(),
        negated: all,
    };
    ControlFlow::Continue(())
}

/// Rewrites a condition or a part of one. For a `positive` one, it only matters whether it is true,
/// otherwise whether it is false. A `term` is only nested in `AND`.
fn condition(expr: &mut Expr, positive: bool, term: bool) -> ControlFlow<Failure> {
    match expr {
        Expr::Nested(inner) => condition(inner, positive, term),
        Expr::BinaryOp {
            left,
            op: op @ (BinaryOperator::And | BinaryOperator::Or),
            right,
        } => {
            let term = term && positive && *op == BinaryOperator::And;
            condition(left, positive, term)?;
            condition(right, positive, term)
        }
        Expr::UnaryOp {
            op: UnaryOperator::Not,
            expr: inner,
        } => {
            if term && let Some(flipped) = flipped(inner) {
                *expr = flipped;
                return condition(expr, positive, term);
            }
            condition(inner, !positive, false)
        }
        Expr::InSubquery {
            expr: member,
            negated,
            ..
        } => {
            value(member)?;
            let known = if *negated == positive {
                term && has_columns(member)
            } else {
                true
            };
            if known {
                ControlFlow::Continue(())
            } else {
                counted(expr)
            }
        }
        other => value(other),
    }
}

/// `NOT (x IN …)` as `x NOT IN …`, and vice versa.
fn flipped(expr: &Expr) -> Option<Expr> {
    let mut expr = stripped(expr).clone();
    let Expr::InSubquery { negated, .. } = &mut expr else {
        return None;
    };
    *negated = !*negated;
    Some(expr)
}

fn stripped(mut expr: &Expr) -> &Expr {
    while let Expr::Nested(inner) = expr {
        expr = inner;
    }
    expr
}

/// Rewrites an expression whose nulls matter.
fn value(expr: &mut Expr) -> ControlFlow<Failure> {
    own::each(expr, &mut |expr| match expr {
        Expr::InSubquery { .. } => counted(expr),
        _ => ControlFlow::Continue(()),
    })
}

/// Rewrites an `IN` to counts.
fn counted(expr: &mut Expr) -> ControlFlow<Failure> {
    let Expr::InSubquery {
        expr: member,
        subquery,
        negated,
    } = expr
    else {
        return ControlFlow::Continue(());
    };
    // The planner rejects it.
    if matches!(stripped(member), Expr::Tuple(_)) {
        return ControlFlow::Continue(());
    }
    let simple = is_plain(member) && !is_counted(subquery) && !has_one_row(subquery);
    let Some(counts) = simple
        .then(|| template(IN, Some(member), subquery))
        .flatten()
    else {
        let fault =
            Fault::new("not supported: IN (SELECT …) in this position, because of NULL semantics");
        let fault = fault.suggest(Some(
            "write it as a condition of its own in WHERE, or as EXISTS (SELECT … WHERE …)".into(),
        ));
        return ControlFlow::Break(FailureKind::Invalid.because(fault));
    };
    *expr = if *negated {
        Expr::Nested(Box::new(Expr::UnaryOp {
            op: UnaryOperator::Not,
            expr: Box::new(counts),
        }))
    } else {
        counts
    };
    ControlFlow::Continue(())
}

fn has_columns(expr: &Expr) -> bool {
    found(expr, |expr| {
        matches!(expr, Expr::Identifier(_) | Expr::CompoundIdentifier(_))
    })
}

/// Whether an expression means the same within a subquery.
fn is_plain(expr: &Expr) -> bool {
    !found(expr, |expr| match expr {
        Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. } => true,
        Expr::Function(function) if function.over.is_some() => true,
        other => functions::is_aggregate(other),
    })
}

/// Whether a query already contains counts: each level would triple it.
fn is_counted(query: &Query) -> bool {
    struct FindCounts;
    impl Visitor for FindCounts {
        type Break = ();
        fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
            match factor {
                TableFactor::Derived {
                    alias: Some(alias), ..
                } if alias.name.value == ROWS => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        }
    }
    query.visit(&mut FindCounts).is_break()
}

/// Whether a query aggregates without groups. If it is correlated, the engine returns no row
/// instead of one.
fn has_one_row(query: &Query) -> bool {
    let SetExpr::Select(select) = query.body.as_ref() else {
        return false;
    };
    select.projection.iter().any(|item| match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
            found(expr, functions::is_aggregate)
        }
        _ => false,
    })
}

fn found(expr: &Expr, is_it: impl Fn(&Expr) -> bool) -> bool {
    struct Search<F>(F);
    impl<F: Fn(&Expr) -> bool> Visitor for Search<F> {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            if (self.0)(expr) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        }
    }
    expr.visit(&mut Search(is_it)).is_break()
}

/// A template with an expression for `$1`, and a query for `(select 1)`.
fn template(text: &str, member: Option<&Expr>, query: &Query) -> Option<Expr> {
    let mut parser = Parser::new(&Grammar).try_with_sql(text).ok()?;
    let mut expr = parser.parse_expr().ok()?;
    let mut fill = Fill { member, query };
    // The visitor never breaks.
    let _: ControlFlow<()> = VisitMut::visit(&mut expr, &mut fill);
    Some(expr)
}

struct Fill<'a> {
    member: Option<&'a Expr>,
    query: &'a Query,
}

impl VisitorMut for Fill<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Value(ValueWithSpan {
            value: Value::Placeholder(_),
            ..
        }) = expr
            && let Some(member) = self.member
        {
            *expr = member.clone();
        }
        ControlFlow::Continue(())
    }

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let TableFactor::Derived { subquery, .. } = factor {
            **subquery = self.query.clone();
        }
        ControlFlow::Continue(())
    }
}
