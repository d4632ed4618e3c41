//! Operators and types, as in PostgreSQL and DuckDB.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr, TypePlanner};
use datafusion::logical_expr::{Expr, ExprSchemable, Operator, binary_expr, cast};
use datafusion::sql::sqlparser::ast::{self, BinaryOperator, TimezoneInfo};

use super::compare::comparable;
use crate::child::udf::{self, Checked};

/// A timestamp without a zone, in microseconds.
pub(super) const MICROS: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

/// Plans operators whose types the engine treats differently.
#[derive(Debug)]
pub(in crate::child) struct Operators;

impl ExprPlanner for Operators {
    fn plan_binary_op(
        &self,
        raw: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        let (Ok(left), Ok(right)) = (raw.left.get_type(schema), raw.right.get_type(schema)) else {
            return Ok(PlannerResult::Original(raw));
        };
        Ok(match operator(&raw.op) {
            Some(op) if is_comparison(op) => compare(raw, op, &left, &right, schema),
            Some(op) => compute(raw, op, &left, &right)?,
            None if raw.op == BinaryOperator::BitwiseXor => {
                PlannerResult::Planned(udf::power(raw.left, raw.right))
            }
            None => PlannerResult::Original(raw),
        })
    }
}

fn operator(op: &BinaryOperator) -> Option<Operator> {
    Some(match op {
        BinaryOperator::Plus => Operator::Plus,
        BinaryOperator::Minus => Operator::Minus,
        BinaryOperator::Multiply => Operator::Multiply,
        BinaryOperator::Divide => Operator::Divide,
        BinaryOperator::Modulo => Operator::Modulo,
        BinaryOperator::Eq => Operator::Eq,
        BinaryOperator::NotEq => Operator::NotEq,
        BinaryOperator::Lt => Operator::Lt,
        BinaryOperator::LtEq => Operator::LtEq,
        BinaryOperator::Gt => Operator::Gt,
        BinaryOperator::GtEq => Operator::GtEq,
        _ => return None,
    })
}

fn is_comparison(op: Operator) -> bool {
    use Operator::{Eq, Gt, GtEq, Lt, LtEq, NotEq};
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq)
}

fn compare(
    raw: RawBinaryExpr,
    op: Operator,
    left: &DataType,
    right: &DataType,
    schema: &DFSchema,
) -> PlannerResult<RawBinaryExpr> {
    // The difference of two dates is a number of days; next to an interval, it is an interval.
    let (first, left) = match (days(&raw.left, schema), right) {
        (Some(duration), DataType::Interval(_)) => (duration, &DAYS),
        _ => (raw.left, left),
    };
    let (second, right) = match (days(&raw.right, schema), left) {
        (Some(duration), DataType::Interval(_)) => (duration, &DAYS),
        _ => (raw.right, right),
    };
    match comparable((first, left), (second, right)) {
        Ok((left, right)) => PlannerResult::Planned(binary_expr(left, op, right)),
        Err((left, right)) => PlannerResult::Original(RawBinaryExpr {
            op: raw.op,
            left,
            right,
        }),
    }
}

const DAYS: DataType = DataType::Duration(TimeUnit::Second);

/// The difference of two dates before it is converted to days.
fn days(expr: &Expr, schema: &DFSchema) -> Option<Expr> {
    let args = udf::days_between_args(expr)?;
    let [left, right] = args else { return None };
    let is_date = |expr: &Expr| expr.get_type(schema).is_ok_and(|t| t == DataType::Date32);
    (is_date(left) && is_date(right)).then(|| {
        let seconds = DataType::Timestamp(TimeUnit::Second, None);
        binary_expr(
            cast(left.clone(), seconds.clone()),
            Operator::Minus,
            cast(right.clone(), seconds),
        )
    })
}

fn compute(
    raw: RawBinaryExpr,
    op: Operator,
    left: &DataType,
    right: &DataType,
) -> Result<PlannerResult<RawBinaryExpr>> {
    use DataType::{Date32, Duration, Interval};
    let RawBinaryExpr {
        op: written,
        left: first,
        right: second,
    } = raw;
    let whole = left.is_integer() && right.is_integer();
    let checked = match op {
        Operator::Plus => Some(Checked::Add),
        Operator::Minus => Some(Checked::Subtract),
        Operator::Multiply => Some(Checked::Multiply),
        _ => None,
    };
    if let (Interval(_), number) | (number, Interval(_)) = (left, right)
        && number.is_numeric()
    {
        return datafusion::common::not_impl_err!(
            "computing with an interval and a number; write an interval instead of the number"
        );
    }
    let planned = match (left, right) {
        _ if whole && checked.is_some() && (is_beyond(&first) || is_beyond(&second)) => {
            Some(udf::digits(binary_expr(
                cast(first.clone(), LARGE),
                op,
                cast(second.clone(), LARGE),
            )))
        }
        _ if whole && checked.is_some() => checked.map(|op| op.call(first.clone(), second.clone())),
        (Date32, Interval(_) | Duration(_)) => {
            Some(binary_expr(cast(first.clone(), MICROS), op, second.clone()))
        }
        (Interval(_) | Duration(_), Date32) => {
            Some(binary_expr(first.clone(), op, cast(second.clone(), MICROS)))
        }
        (Date32, Date32) if op == Operator::Minus => {
            Some(udf::days_between(first.clone(), second.clone()))
        }
        (Date32, days) if days.is_integer() && checked.is_some() => {
            let days = match op {
                Operator::Minus => Checked::Subtract.call(number_of(first.clone()), second.clone()),
                _ => Checked::Add.call(number_of(first.clone()), second.clone()),
            };
            (op != Operator::Multiply).then(|| date_of(days))
        }
        (days, Date32) if days.is_integer() && op == Operator::Plus => Some(date_of(
            Checked::Add.call(first.clone(), number_of(second.clone())),
        )),
        // The engine cuts a quotient at four more decimals than the dividend has.
        (a, b) if op == Operator::Divide && (a.is_decimal() || b.is_decimal()) => {
            let float = |expr: Expr| cast(expr, DataType::Float64);
            Some(udf::canonical(binary_expr(
                float(first.clone()),
                op,
                udf::nonzero(float(second.clone())),
            )))
        }
        (a, b) if (a.is_floating() || b.is_floating()) && a.is_numeric() && b.is_numeric() => {
            Some(udf::canonical(binary_expr(
                udf::not_canonical(first.clone()),
                op,
                udf::not_canonical(second.clone()),
            )))
        }
        (a, b) if checked.is_some() && (a.is_decimal() || b.is_decimal()) && numbers(a, b) => {
            Some(udf::digits(binary_expr(first.clone(), op, second.clone())))
        }
        // The engine divides as decimals if one side is unsigned.
        (a, b)
            if op == Operator::Divide
                && a.is_integer()
                && b.is_integer()
                && (*a == DataType::UInt64) != (*b == DataType::UInt64) =>
        {
            let signed = if *a == DataType::UInt64 {
                &second
            } else {
                &first
            };
            let common = if is_positive(signed) {
                DataType::UInt64
            } else {
                DataType::Int64
            };
            Some(binary_expr(
                cast(first.clone(), common.clone()),
                op,
                cast(second.clone(), common),
            ))
        }
        _ => None,
    };
    Ok(match planned {
        Some(planned) => PlannerResult::Planned(planned),
        None => PlannerResult::Original(RawBinaryExpr {
            op: written,
            left: first,
            right: second,
        }),
    })
}

/// Integers beyond 64 bits.
const LARGE: DataType = DataType::Decimal128(38, 0);

/// Whether it is a literal beyond 64 bits.
fn is_beyond(expr: &Expr) -> bool {
    matches!(expr, Expr::Literal(ScalarValue::UInt64(Some(number)), _)
        if i64::try_from(*number).is_err())
}

fn numbers(left: &DataType, right: &DataType) -> bool {
    left.is_numeric() && right.is_numeric()
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

/// The days of a date since 1970.
fn number_of(date: Expr) -> Expr {
    cast(cast(date, DataType::Int32), DataType::Int64)
}

fn date_of(days: Expr) -> Expr {
    cast(cast(days, DataType::Int32), DataType::Date32)
}

/// Types in queries: timestamps have microseconds.
#[derive(Debug)]
pub(in crate::child) struct Types;

impl TypePlanner for Types {
    fn plan_type_field(&self, sql: &ast::DataType) -> Result<Option<FieldRef>> {
        let data_type = match sql {
            ast::DataType::Timestamp(_, TimezoneInfo::None | TimezoneInfo::WithoutTimeZone)
            | ast::DataType::Datetime(_) => MICROS,
            ast::DataType::Timestamp(..) => {
                DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
            }
            _ => return Ok(None),
        };
        Ok(Some(Arc::new(Field::new("", data_type, true))))
    }
}
