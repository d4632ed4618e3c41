//! Moments: `AT TIME ZONE`, and literals without seconds.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    DataType, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, TypedString, Value,
    ValueWithSpan,
};

use crate::child::shape::last;
use crate::child::udf;
use crate::error::Fault;
use crate::protocol::{Failure, FailureKind};

/// A call in place of `AT TIME ZONE`, of which the engine keeps the moment and changes what some
/// functions show.
pub(super) fn at_time_zone(expr: &mut Expr) -> ControlFlow<Failure> {
    let Expr::AtTimeZone {
        timestamp,
        time_zone,
    } = expr
    else {
        return ControlFlow::Continue(());
    };
    let literal = matches!(
        &**time_zone,
        Expr::Value(ValueWithSpan {
            value: Value::SingleQuotedString(_),
            ..
        })
    );
    if !literal {
        let fault =
            Fault::new("not supported: the time zone of AT TIME ZONE must be a string literal");
        let fault = fault.suggest(Some("write AT TIME ZONE 'Europe/Berlin'".into()));
        return ControlFlow::Break(FailureKind::Invalid.because(fault));
    }
    let mut timestamp = (**timestamp).clone();
    if is_moment(&timestamp) {
        // To the engine it has no zone.
        timestamp = super::call(
            udf::AT_TIME_ZONE,
            vec![timestamp, super::text("UTC".to_owned())],
        );
    }
    *expr = super::call(udf::AT_TIME_ZONE, vec![timestamp, (**time_zone).clone()]);
    ControlFlow::Continue(())
}

/// Functions whose value is a moment in PostgreSQL, which has a zone.
const MOMENTS: [&str; 8] = [
    "now",
    "current_timestamp",
    "to_timestamp",
    "to_timestamp_seconds",
    "to_timestamp_millis",
    "to_timestamp_micros",
    "to_timestamp_nanos",
    "from_unixtime",
];

/// Whether an expression is a moment for what it calls, as it is or moved by an interval.
fn is_moment(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) => is_moment(inner),
        Expr::BinaryOp { left, right, .. } => is_moment(left) || is_moment(right),
        Expr::Function(function) => {
            let name = last(&function.name).map(|name| name.value.to_lowercase());
            let FunctionArguments::List(list) = &function.args else {
                return name.is_some_and(|name| MOMENTS.contains(&name.as_str()));
            };
            let passes_on = name.as_deref() == Some("date_trunc");
            name.is_some_and(|name| MOMENTS.contains(&name.as_str()))
                || passes_on && list.args.iter().any(is_moment_argument)
        }
        _ => false,
    }
}

fn is_moment_argument(argument: &FunctionArg) -> bool {
    matches!(argument, FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) if is_moment(expr))
}

/// `timestamp '2024-06-01 23:30'` with the seconds that the engine wants.
pub(super) fn with_seconds(literal: &mut TypedString) {
    if !matches!(
        literal.data_type,
        DataType::Timestamp(..) | DataType::Datetime(_)
    ) {
        return;
    }
    if let Value::SingleQuotedString(text) = &mut literal.value.value
        && let Some(longer) = udf::with_seconds(text)
    {
        *text = longer;
    }
}
