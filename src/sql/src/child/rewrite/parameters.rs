//! Binds the values of placeholders as literals in the syntax tree.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, Statement, UnaryOperator, Value, ValueWithSpan, VisitMut, VisitorMut,
};
use lastcall_domain::SqlParameter;

use crate::child::shape::position;
use crate::error::Fault;
use crate::protocol::{Failure, FailureKind};

/// Replaces each placeholder by its value.
pub(super) fn bind(statement: &mut Statement, parameters: &[SqlParameter]) -> Result<(), Failure> {
    let mut binder = Binder {
        parameters,
        used: vec![false; parameters.len()],
    };
    if let ControlFlow::Break(failure) = statement.visit(&mut binder) {
        return Err(failure);
    }
    match binder.used.iter().position(|used| !used) {
        Some(unused) => Err(invalid(Fault::new(format!(
            "the query has no placeholder for parameter ${}",
            unused + 1
        )))),
        None => Ok(()),
    }
}

struct Binder<'a> {
    parameters: &'a [SqlParameter],
    used: Vec<bool>,
}

impl VisitorMut for Binder<'_> {
    type Break = Failure;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Failure> {
        let Expr::Value(ValueWithSpan {
            value: Value::Placeholder(name),
            span,
        }) = expr
        else {
            return ControlFlow::Continue(());
        };
        let number = name.strip_prefix('$').and_then(|n| n.parse::<usize>().ok());
        let Some(index) = number.and_then(|number| number.checked_sub(1)) else {
            let fault = Fault::new(format!("{name} is not a placeholder"))
                .at(position(*span))
                .suggest(Some("write $1 for the first parameter".into()));
            return ControlFlow::Break(invalid(fault));
        };
        let (Some(value), Some(used)) = (self.parameters.get(index), self.used.get_mut(index))
        else {
            let fault = Fault::new(format!(
                "the placeholder {name} has no value: parameters given: {}",
                self.parameters.len()
            ));
            return ControlFlow::Break(invalid(fault.at(position(*span))));
        };
        *used = true;
        *expr = literal(value);
        ControlFlow::Continue(())
    }
}

fn invalid(fault: Fault) -> Failure {
    FailureKind::Invalid.because(fault)
}

fn literal(value: &SqlParameter) -> Expr {
    match value {
        SqlParameter::Null => Expr::value(Value::Null),
        SqlParameter::Boolean(value) => Expr::value(Value::Boolean(*value)),
        SqlParameter::Integer(value) => number(value.to_string()),
        SqlParameter::Unsigned(value) => number(value.to_string()),
        // With a point or an exponent, so that it remains a float.
        SqlParameter::Float(value) => number(format!("{value:?}")),
        SqlParameter::Text(value) => super::text(value),
    }
}

fn number(written: String) -> Expr {
    match written.strip_prefix('-') {
        Some(positive) => Expr::Nested(Box::new(Expr::UnaryOp {
            op: UnaryOperator::Minus,
            expr: Box::new(Expr::value(Value::Number(positive.into(), false))),
        })),
        None => Expr::value(Value::Number(written, false)),
    }
}
