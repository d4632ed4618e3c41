//! Calls of functions whose semantics depend on the types of their arguments.

use std::sync::Arc;

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::DFSchema;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, ExprSchemable, Operator, binary_expr, cast, lit};

use super::arguments::{room_to_round, whole_places};
use super::branches::timestamp_among;
use super::compare::is_text;
use super::parts::of_interval;
use super::planner::MICROS;
use crate::child::udf::{self, Checked};

/// Functions whose result may be a negative zero.
const SIGNED_ZEROS: &[&str] = &[
    "ceil", "floor", "nanvl", "power", "radians", "degrees", "round", "signum", "sin", "sqrt",
    "tan", "trunc", "cbrt", "asin", "atan", "sinh", "tanh", "ln", "log", "acos",
];
/// Functions that return one of their arguments.
const CHOICES: &[&str] = &["coalesce", "greatest", "least", "nullif", "nvl", "nvl2"];

/// Rewrites a call by the types of its arguments.
pub(super) fn function(mut call: ScalarFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
    whole_places(&mut call);
    room_to_round(&mut call, schema)?;
    let function = Arc::clone(&call.func);
    let name = function.name();
    if SIGNED_ZEROS.contains(&name) {
        let float = Expr::ScalarFunction(call.clone());
        return Ok(match float.get_type(schema) {
            Ok(DataType::Float64 | DataType::Float32) => Transformed::yes(udf::canonical(float)),
            _ => Transformed::no(float),
        });
    }
    match name {
        "to_timestamp" => return to_timestamp(call, schema),
        "to_timestamp_micros" => return of_text(call, TimeUnit::Microsecond, schema),
        "to_timestamp_millis" => return of_text(call, TimeUnit::Millisecond, schema),
        "to_timestamp_seconds" => return of_text(call, TimeUnit::Second, schema),
        "to_char" => return to_char(call, schema),
        "date_part" => return of_interval(call, schema),
        "days_between" => return days_between(call, schema),
        "regexp_replace" => {
            if let Some(replacement) = call.args.get_mut(2) {
                *replacement = udf::replacement(std::mem::replace(replacement, lit(0)));
            }
            return Ok(Transformed::yes(Expr::ScalarFunction(call)));
        }
        _ => {}
    }
    if CHOICES.contains(&name) {
        let types = call
            .args
            .iter()
            .map(|arg| arg.get_type(schema))
            .collect::<Result<Vec<_>>>()?;
        if let Some(micros) = timestamp_among(&types) {
            let in_micros = |(arg, data_type): (Expr, &DataType)| match data_type {
                DataType::Null => arg,
                same if *same == micros => arg,
                _ => cast(arg, micros.clone()),
            };
            call.args = call.args.into_iter().zip(&types).map(in_micros).collect();
            return Ok(Transformed::yes(Expr::ScalarFunction(call)));
        }
        if matches!(name, "greatest" | "least")
            && types.iter().any(|t| matches!(t, DataType::Interval(_)))
        {
            return datafusion::common::not_impl_err!(
                "{name} of intervals; write CASE WHEN a > b THEN a ELSE b END"
            );
        }
    }
    Ok(Transformed::no(Expr::ScalarFunction(call)))
}

/// The days between two dates, or the interval between them if one turns out to be a timestamp.
fn days_between(call: ScalarFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let types = call.args.iter().map(|arg| arg.get_type(schema));
    let types = types.collect::<Result<Vec<_>>>()?;
    Ok(match (timestamp_among(&types), call.args.as_slice()) {
        (Some(_), [later, earlier]) => {
            let micros = |expr: &Expr| cast(expr.clone(), MICROS);
            let difference = binary_expr(micros(later), Operator::Minus, micros(earlier));
            Transformed::yes(difference)
        }
        _ => Transformed::no(Expr::ScalarFunction(call)),
    })
}

/// A timestamp in microseconds: from text, or from seconds since 1970.
fn to_timestamp(call: ScalarFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Some(first) = call.args.first() else {
        return Ok(Transformed::no(Expr::ScalarFunction(call)));
    };
    Ok(Transformed::yes(match first.get_type(schema)? {
        text if is_text(&text) => {
            let micros =
                datafusion::functions::datetime::to_timestamp_micros(&ConfigOptions::default());
            let call = ScalarFunction::new_udf(micros, call.args);
            return of_text(call, TimeUnit::Microsecond, schema);
        }
        whole if whole.is_integer() => {
            let micros = Checked::Multiply.call(first.clone(), lit(1_000_000_i64));
            cast(micros, MICROS)
        }
        number if number.is_numeric() => {
            let float = cast(first.clone(), DataType::Float64);
            let round = datafusion::functions::math::round();
            let micros = binary_expr(float, Operator::Multiply, lit(1e6));
            let whole = Expr::ScalarFunction(ScalarFunction::new_udf(round, vec![micros]));
            cast(cast(whole, DataType::Int64), MICROS)
        }
        DataType::Timestamp(..) | DataType::Date32 | DataType::Null => cast(first.clone(), MICROS),
        _ => return Ok(Transformed::no(Expr::ScalarFunction(call))),
    }))
}

/// Reads a text without a format like a cast, as the engine would convert to nanoseconds in
/// between.
fn of_text(
    mut call: ScalarFunction,
    unit: TimeUnit,
    schema: &DFSchema,
) -> Result<Transformed<Expr>> {
    Ok(match call.args.as_mut_slice() {
        [text] if is_text(&text.get_type(schema)?) => {
            let text = std::mem::replace(text, lit(0));
            Transformed::yes(cast(text, DataType::Timestamp(unit, None)))
        }
        _ => Transformed::no(Expr::ScalarFunction(call)),
    })
}

/// Casts timestamps in UTC to ones without a zone, which the engine formats in any unit; others it
/// converts to nanoseconds. A format with the zone needs it.
fn to_char(mut call: ScalarFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let [timestamp, format] = call.args.as_mut_slice() else {
        return Ok(Transformed::no(Expr::ScalarFunction(call)));
    };
    let shows_zone = match format {
        Expr::Literal(literal, _) => literal
            .try_as_str()
            .flatten()
            .is_some_and(|format| format.contains(['z', 'Z', '+'])),
        _ => true,
    };
    match timestamp.get_type(schema)? {
        DataType::Timestamp(unit, Some(zone)) if &*zone == "UTC" && !shows_zone => {
            let plain = DataType::Timestamp(unit, None);
            *timestamp = cast(std::mem::replace(timestamp, lit(0)), plain);
            *format = cast(std::mem::replace(format, lit(0)), DataType::Utf8);
            Ok(Transformed::yes(Expr::ScalarFunction(call)))
        }
        _ => Ok(Transformed::no(Expr::ScalarFunction(call))),
    }
}
