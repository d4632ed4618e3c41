//! Comparison of timestamps and intervals.

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::logical_expr::{Expr, cast, lit};

use crate::child::udf;

/// Casts both sides for a comparison; `Err` if the engine compares them correctly.
///
/// Intervals are compared by length, with months of 30 days and days of 24 hours. Timestamps are
/// compared in microseconds, which reach beyond the year 9999; the engine uses nanoseconds, which
/// end in 2262.
#[expect(
    clippy::result_large_err,
    reason = "both sides are given back where there is nothing to do"
)]
pub(super) fn comparable(
    (left, left_type): (Expr, &DataType),
    (right, right_type): (Expr, &DataType),
) -> Result<(Expr, Expr), (Expr, Expr)> {
    use DataType::{Date32, Duration, Interval, Time32, Time64, Timestamp};
    match (left_type, right_type) {
        (Interval(_), Interval(_) | Duration(_)) | (Duration(_), Interval(_)) => {
            Ok((udf::length(left), udf::length(right)))
        }
        (Duration(a), Duration(b)) if a != b => Ok((udf::length(left), udf::length(right))),
        (Interval(_), other) if is_text(other) => {
            Ok((udf::length(left), udf::length(cast(right, INTERVAL))))
        }
        (other, Interval(_)) if is_text(other) => {
            Ok((udf::length(cast(left, INTERVAL)), udf::length(right)))
        }
        (Duration(_), other) if is_text(other) => {
            Ok((udf::length(left), udf::length(cast(right, INTERVAL))))
        }
        (other, Duration(_)) if is_text(other) => {
            Ok((udf::length(cast(left, INTERVAL)), udf::length(right)))
        }
        (Timestamp(_, zone), other) if is_text(other) || *other == Date32 => {
            let micros = Timestamp(TimeUnit::Microsecond, zone.clone());
            Ok((in_micros(left, left_type), cast(timestamp(right), micros)))
        }
        (other, Timestamp(_, zone)) if is_text(other) || *other == Date32 => {
            let micros = Timestamp(TimeUnit::Microsecond, zone.clone());
            Ok((cast(timestamp(left), micros), in_micros(right, right_type)))
        }
        (Timestamp(a, _), Timestamp(b, _)) if a != b => {
            Ok((in_micros(left, left_type), in_micros(right, right_type)))
        }
        (Time32(_) | Time64(_), Time32(_) | Time64(_)) if left_type != right_type => {
            Ok((cast(left, TIME), cast(right, TIME)))
        }
        (Time32(_) | Time64(_), other) if is_text(other) => {
            Ok((cast(left, TIME), cast(right, TIME)))
        }
        (other, Time32(_) | Time64(_)) if is_text(other) => {
            Ok((cast(left, TIME), cast(right, TIME)))
        }
        _ => Err((left, right)),
    }
}

const INTERVAL: DataType = DataType::Interval(arrow::datatypes::IntervalUnit::MonthDayNano);
const TIME: DataType = DataType::Time64(TimeUnit::Nanosecond);

pub(super) fn is_text(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    )
}

/// A string literal as a timestamp with seconds.
fn timestamp(expr: Expr) -> Expr {
    let Expr::Literal(literal, _) = &expr else {
        return expr;
    };
    let text = literal.try_as_str().flatten();
    text.and_then(udf::with_seconds).map_or(expr, lit)
}

fn in_micros(expr: Expr, data_type: &DataType) -> Expr {
    match data_type {
        DataType::Timestamp(TimeUnit::Microsecond, _) => expr,
        DataType::Timestamp(_, zone) => cast(
            expr,
            DataType::Timestamp(TimeUnit::Microsecond, zone.clone()),
        ),
        _ => expr,
    }
}
