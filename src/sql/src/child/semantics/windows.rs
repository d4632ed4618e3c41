//! Window functions.

use arrow::datatypes::DataType;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::WindowFunctionParams;
use datafusion::logical_expr::type_coercion::binary::type_union_resolution;
use datafusion::logical_expr::{
    Expr, ExprSchemable, WindowFrameBound, WindowFrameUnits, cast, lit,
};

/// Casts the value of `lag` and `lead` and the one in its place to a common type; the engine would
/// cut off the fraction of the latter.
pub(super) fn with_default(name: &str, args: &mut [Expr], schema: &DFSchema) -> Result<()> {
    let [value, _, default] = args else {
        return Ok(());
    };
    if !matches!(name, "lag" | "lead") {
        return Ok(());
    }
    let types = [value.get_type(schema)?, default.get_type(schema)?];
    let Some(common) = type_union_resolution(&types) else {
        return Ok(());
    };
    for (side, data_type) in [value, default].into_iter().zip(types) {
        if data_type != common && data_type != DataType::Null {
            *side = cast(std::mem::replace(side, lit(0)), common.clone());
        }
    }
    Ok(())
}

/// Counts the days of a `RANGE` over dates, `7 PRECEDING`, which the engine takes for months;
/// fails for timestamps.
pub(super) fn days(params: &mut WindowFunctionParams, schema: &DFSchema) -> Result<()> {
    let frame = &mut params.window_frame;
    let Some(key) = params.order_by.first() else {
        return Ok(());
    };
    if frame.units != WindowFrameUnits::Range {
        return Ok(());
    }
    let key = key.expr.get_type(schema)?;
    if !key.is_temporal() {
        return Ok(());
    }
    for bound in [&mut frame.start_bound, &mut frame.end_bound] {
        let (WindowFrameBound::Preceding(distance) | WindowFrameBound::Following(distance)) = bound
        else {
            continue;
        };
        let Some(number) = number(distance) else {
            continue;
        };
        if key != DataType::Date32 {
            return datafusion::common::not_impl_err!(
                "RANGE with a number over timestamps; write INTERVAL '{number} days'"
            );
        }
        *distance = ScalarValue::Utf8(Some(format!("{number} days")));
    }
    Ok(())
}

/// The digits of a distance without a unit.
fn number(distance: &ScalarValue) -> Option<String> {
    let text = match distance.try_as_str() {
        Some(text) => text?.trim().to_owned(),
        None if distance.is_null() => return None,
        None if distance.data_type().is_numeric() => distance.to_string(),
        None => return None,
    };
    let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    plain.then_some(text)
}
