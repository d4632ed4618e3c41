//! Arguments of functions, as the type that they are computed with.

use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, ExprSchemable, lit};

use crate::child::udf;

/// Functions of two columns, which become floats: whole numbers that have no digits left as floats
/// fail.
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

/// The number of decimals to round to, as the type that the engine wants: what it casts itself it
/// does not take for a constant at first, and gives the result another type than it has.
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
