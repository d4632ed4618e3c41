//! Moments: `AT TIME ZONE`, and literals without seconds.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{DataType, Expr, TypedString, Value, ValueWithSpan};

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
        let fault = Fault::new("not supported: AT TIME ZONE with a zone that is no text literal");
        let fault = fault.suggest(Some("write AT TIME ZONE 'Europe/Berlin'".into()));
        return ControlFlow::Break(FailureKind::Invalid.because(fault));
    }
    *expr = super::call(
        udf::AT_TIME_ZONE,
        vec![(**timestamp).clone(), (**time_zone).clone()],
    );
    ControlFlow::Continue(())
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
