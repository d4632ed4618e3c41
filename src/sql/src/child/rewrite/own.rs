//! Visits the expressions of a query without those of its subqueries.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, Query, VisitMut, VisitorMut};

use crate::protocol::Failure;

/// Visits an expression and its parts, innermost first, but no subquery.
pub(super) fn each(
    expr: &mut Expr,
    visit: &mut dyn FnMut(&mut Expr) -> ControlFlow<Failure>,
) -> ControlFlow<Failure> {
    VisitMut::visit(expr, &mut Own { depth: 0, visit })
}

struct Own<'a> {
    /// The nesting depth of the current query.
    depth: usize,
    visit: &'a mut dyn FnMut(&mut Expr) -> ControlFlow<Failure>,
}

impl VisitorMut for Own<'_> {
    type Break = Failure;

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<Failure> {
        self.depth += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<Failure> {
        self.depth -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Failure> {
        if self.depth > 0 {
            return ControlFlow::Continue(());
        }
        (self.visit)(expr)
    }
}
