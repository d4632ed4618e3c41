//! Rewrites `AT TIME ZONE`, and timestamp literals without seconds or with a zone.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    DataType, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, TimezoneInfo, TypedString,
    Value, ValueWithSpan,
};

use crate::child::shape::last;
use crate::child::udf;
use crate::error::Fault;
use crate::protocol::{Failure, FailureKind};

/// Rewrites `AT TIME ZONE` to a call: the engine keeps the instant, and only changes what some
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
    if is_timestamptz(&timestamp) {
        // It has no zone in the engine.
        timestamp = super::call(
            udf::AT_TIME_ZONE,
            vec![timestamp, super::text("UTC".to_owned())],
        );
    }
    *expr = super::call(udf::AT_TIME_ZONE, vec![timestamp, (**time_zone).clone()]);
    ControlFlow::Continue(())
}

/// Functions whose value is a `timestamptz` in PostgreSQL.
const TIMESTAMPTZ_FUNCTIONS: [&str; 8] = [
    "now",
    "current_timestamp",
    "to_timestamp",
    "to_timestamp_seconds",
    "to_timestamp_millis",
    "to_timestamp_micros",
    "to_timestamp_nanos",
    "from_unixtime",
];

/// Whether an expression is a `timestamptz`, possibly with an interval added.
fn is_timestamptz(expr: &Expr) -> bool {
    match expr {
        Expr::Nested(inner) => is_timestamptz(inner),
        Expr::BinaryOp { left, right, .. } => is_timestamptz(left) || is_timestamptz(right),
        Expr::Function(function) => {
            let name = last(&function.name).map(|name| name.value.to_lowercase());
            let FunctionArguments::List(list) = &function.args else {
                return name.is_some_and(|name| TIMESTAMPTZ_FUNCTIONS.contains(&name.as_str()));
            };
            let passes_on = name.as_deref() == Some("date_trunc");
            name.is_some_and(|name| TIMESTAMPTZ_FUNCTIONS.contains(&name.as_str()))
                || passes_on && list.args.iter().any(is_timestamptz_argument)
        }
        _ => false,
    }
}

fn is_timestamptz_argument(argument: &FunctionArg) -> bool {
    matches!(argument, FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) if is_timestamptz(expr))
}

/// Adds the seconds that the engine requires to `timestamp '2024-06-01 23:30'`, and takes away a
/// zone that the type has not.
pub(super) fn as_written(literal: &mut TypedString) {
    let local = match literal.data_type {
        DataType::Timestamp(_, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone)
        | DataType::Datetime(_) => true,
        DataType::Timestamp(..) => false,
        _ => return,
    };
    if let Value::SingleQuotedString(text) = &mut literal.value.value {
        if local {
            *text = udf::without_zone(text).to_owned();
        }
        if let Some(longer) = udf::with_seconds(text) {
            *text = longer;
        }
    }
}
