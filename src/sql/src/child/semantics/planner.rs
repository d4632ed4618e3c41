//! Operators and types, as in PostgreSQL and DuckDB.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit};
use datafusion::common::DFSchema;
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

pub(super) fn is_comparison(op: Operator) -> bool {
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

/// Arithmetic with dates and intervals. That with numbers follows in the analyzer, as the types of
/// `CASE` and `UNION` are not final here.
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
    if let (Interval(_), number) | (number, Interval(_)) = (left, right)
        && number.is_numeric()
    {
        return datafusion::common::not_impl_err!(
            "computing with an interval and a number; write an interval instead of the number"
        );
    }
    let planned = match (left, right) {
        (Date32, Interval(_) | Duration(_)) => {
            Some(binary_expr(cast(first.clone(), MICROS), op, second.clone()))
        }
        (Interval(_) | Duration(_), Date32) => {
            Some(binary_expr(first.clone(), op, cast(second.clone(), MICROS)))
        }
        (Date32, Date32) if op == Operator::Minus => {
            Some(udf::days_between(first.clone(), second.clone()))
        }
        (Date32, days) if days.is_integer() => match op {
            Operator::Plus => Some(Checked::Add),
            Operator::Minus => Some(Checked::Subtract),
            _ => None,
        }
        .map(|op| date_of(op.call(number_of(first.clone()), second.clone()))),
        (days, Date32) if days.is_integer() && op == Operator::Plus => Some(date_of(
            Checked::Add.call(first.clone(), number_of(second.clone())),
        )),
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
