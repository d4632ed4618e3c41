//! Casts arguments of functions.

use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, ExprSchemable, cast, lit};

use crate::child::udf;

/// Casts the arguments of functions of two columns to floats; integers that a float cannot
/// represent fail.
pub(super) fn two_numbers(name: &str, args: &mut [Expr], schema: &DFSchema) -> Result<bool> {
    if !name.starts_with("regr_") && !name.starts_with("covar") && name != "corr" {
        return Ok(false);
    }
    let mut changed = false;
    for arg in args {
        if matches!(arg.get_type(schema)?, DataType::Int64 | DataType::UInt64) {
            *arg = udf::exact_float(std::mem::replace(arg, lit(0)));
            changed = true;
        }
    }
    Ok(changed)
}

/// Casts the number of decimals to round to: the engine would not recognise its own cast as a
/// constant at first, and would assume a wrong type of the result.
pub(super) fn whole_places(call: &mut ScalarFunction) {
    if !matches!(call.func.name(), "round" | "trunc") {
        return;
    }
    if let Some(Expr::Literal(places, _)) = call.args.get_mut(1)
        && let ScalarValue::Int64(Some(number)) = places
        && let Ok(number) = i32::try_from(*number)
    {
        *places = ScalarValue::Int32(Some(number));
    }
}

/// Widens a decimal by a digit before it is rounded up or down: 9.99 becomes 10.
pub(super) fn room_to_round(call: &mut ScalarFunction, schema: &DFSchema) -> Result<()> {
    if !matches!(call.func.name(), "ceil" | "floor") {
        return Ok(());
    }
    if let [number] = call.args.as_mut_slice()
        && let DataType::Decimal128(precision @ ..38, scale) = number.get_type(schema)?
    {
        let wider = DataType::Decimal128(precision + 1, scale);
        *number = cast(std::mem::replace(number, lit(0)), wider);
    }
    Ok(())
}
