//! `x = ANY (array)` with nulls.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Value, ValueWithSpan, Visit, VisitMut, Visitor, VisitorMut,
};
use datafusion::sql::sqlparser::parser::Parser;

use super::is_named;
use crate::child::dialect::Grammar;
use crate::child::udf;
use crate::error::Fault;
use crate::protocol::{Failure, FailureKind};

/// The comparison `$1` of `$2` with the array `$3`. It is null if it is not true, and a null might
/// have made it so; the engine takes null for false. Each side is written twice.
const ANY: &str = "(case when $1 then true else any_null($2, $3) end)";

/// More comparisons within the sides of one are not written twice.
const MAX_WITHIN: usize = 100;

/// Functions with another value wherever they are written.
const VOLATILE: [&str; 2] = ["random", "uuid"];

/// Rewrites a comparison with `ANY` of an array.
pub(super) fn with_nulls(expr: &mut Expr) -> ControlFlow<Failure> {
    let parts = match &*expr {
        Expr::AnyOp { left, right, .. } => [expr.clone(), (**left).clone(), (**right).clone()],
        _ => return ControlFlow::Continue(()),
    };
    let refused = if count(expr, &[udf::ANY_NULL]) > MAX_WITHIN {
        Some("ANY of an array within ANY of an array, this deep")
    } else if count(expr, &VOLATILE) > 0 {
        Some("random values and ANY of an array")
    } else {
        None
    };
    if let Some(what) = refused {
        let fault = Fault::new(format!("not supported: {what}"));
        let fault = fault.suggest(Some("compute the values in FROM (SELECT …)".into()));
        return ControlFlow::Break(FailureKind::Invalid.because(fault));
    }
    let parsed = Parser::new(&Grammar).try_with_sql(ANY);
    let Ok(mut case) = parsed.and_then(|mut parser| parser.parse_expr()) else {
        return ControlFlow::Continue(());
    };
    // The visitor never breaks.
    let _: ControlFlow<()> = VisitMut::visit(&mut case, &mut Fill(parts));
    *expr = case;
    ControlFlow::Continue(())
}

/// How many calls of such functions an expression has.
fn count(expr: &Expr, names: &[&str]) -> usize {
    struct Count<'a>(usize, &'a [&'a str]);
    impl Visitor for Count<'_> {
        type Break = ();
        fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
            if let Expr::Function(function) = expr {
                let found = self.1.iter().any(|name| is_named(function, name));
                self.0 += usize::from(found);
            }
            ControlFlow::Continue(())
        }
    }
    let mut counted = Count(0, names);
    // The visitor never breaks.
    let _: ControlFlow<()> = expr.visit(&mut counted);
    counted.0
}

struct Fill([Expr; 3]);

impl VisitorMut for Fill {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        if let Expr::Value(ValueWithSpan {
            value: Value::Placeholder(name),
            ..
        }) = expr
            && let Some(index) = name.strip_prefix('$').and_then(|n| n.parse::<usize>().ok())
            && let Some(part) = self.0.get(index.saturating_sub(1))
        {
            *expr = Expr::Nested(Box::new(part.clone()));
        }
        ControlFlow::Continue(())
    }
}
