//! Arithmetic with numbers, as in PostgreSQL and DuckDB.

use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, Operator, binary_expr, cast};

use crate::child::udf::{self, Checked};

/// Integers beyond 64 bits.
const LARGE: DataType = DataType::Decimal128(38, 0);

/// The operation on numbers of these types; `None` if the engine's own is right.
pub(super) fn of_numbers(
    (left, left_type): (&Expr, &DataType),
    op: Operator,
    (right, right_type): (&Expr, &DataType),
) -> Option<Expr> {
    if !left_type.is_numeric() || !right_type.is_numeric() {
        return None;
    }
    let sides = || (left.clone(), right.clone());
    let any = |is: fn(&DataType) -> bool| is(left_type) || is(right_type);
    let whole = left_type.is_integer() && right_type.is_integer();
    match (checked(op), op) {
        (Some(_), _) if whole && (is_beyond(left) || is_beyond(right)) => {
            let (left, right) = sides();
            Some(udf::digits(binary_expr(
                cast(left, LARGE),
                op,
                cast(right, LARGE),
            )))
        }
        (Some(checked), _) if whole => {
            let (left, right) = sides();
            Some(checked.call(left, right))
        }
        // The engine cuts a quotient at four more decimals than the dividend has.
        (_, Operator::Divide) if any(DataType::is_decimal) => {
            let (left, right) = sides();
            let float = |expr: Expr| cast(expr, DataType::Float64);
            Some(udf::canonical(binary_expr(
                float(left),
                op,
                udf::nonzero(float(right)),
            )))
        }
        (Some(_), _) | (None, Operator::Divide | Operator::Modulo)
            if any(DataType::is_floating) =>
        {
            let (left, right) = sides();
            Some(udf::canonical(binary_expr(
                udf::not_canonical(left),
                op,
                udf::not_canonical(right),
            )))
        }
        (Some(_), _) if any(DataType::is_decimal) => {
            let (left, right) = sides();
            Some(udf::digits(binary_expr(left, op, right)))
        }
        // The engine divides as decimals if one side is unsigned.
        (_, Operator::Divide)
            if whole && any(|number| *number == DataType::UInt64) && left_type != right_type =>
        {
            let (left, right) = sides();
            let signed = if *left_type == DataType::UInt64 {
                &right
            } else {
                &left
            };
            let common = if is_positive(signed) {
                DataType::UInt64
            } else {
                DataType::Int64
            };
            Some(binary_expr(
                cast(left, common.clone()),
                op,
                cast(right, common),
            ))
        }
        _ => None,
    }
}

fn checked(op: Operator) -> Option<Checked> {
    match op {
        Operator::Plus => Some(Checked::Add),
        Operator::Minus => Some(Checked::Subtract),
        Operator::Multiply => Some(Checked::Multiply),
        _ => None,
    }
}

/// Whether it is a literal beyond 64 bits.
fn is_beyond(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(ScalarValue::UInt64(Some(number)), _)
        if i64::try_from(*number).is_err())
}

/// Whether it is a positive literal or an unsigned column.
fn is_positive(expr: &Expr) -> bool {
    matches!(
        expr,
        Expr::Literal(
            ScalarValue::Int64(Some(0..)) | ScalarValue::UInt64(Some(_)),
            _
        )
    )
}
