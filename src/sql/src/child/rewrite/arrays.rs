//! `x = ANY (array)` with nulls.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, Value, ValueWithSpan, VisitMut, VisitorMut};
use datafusion::sql::sqlparser::parser::Parser;

use crate::child::dialect::Grammar;

/// The comparison `$1` of `$2` with the array `$3`. It is null if it is not true, and a null might
/// have made it so; the engine takes null for false.
const ANY: &str = "(case when $1 then true
    when $3 is null then null
    when cardinality($3) = 0 then false
    when $2 is null or array_position($3, null) is not null then null
    else false end)";

/// Rewrites a comparison with `ANY` of an array.
pub(super) fn with_nulls(expr: &mut Expr) {
    let parts = match &*expr {
        Expr::AnyOp { left, right, .. } => [expr.clone(), (**left).clone(), (**right).clone()],
        _ => return,
    };
    let parsed = Parser::new(&Grammar).try_with_sql(ANY);
    let Ok(mut case) = parsed.and_then(|mut parser| parser.parse_expr()) else {
        return;
    };
    // The visitor never breaks.
    let _: ControlFlow<()> = VisitMut::visit(&mut case, &mut Fill(parts));
    *expr = case;
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
