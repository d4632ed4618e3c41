//! Fields of intervals, as in PostgreSQL and DuckDB.

use arrow::datatypes::{DataType, IntervalUnit, TimeUnit};
use datafusion::common::DFSchema;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr, ExprSchemable, Operator, binary_expr, cast, lit};

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
/// How many seconds longer a year of 365.25 days is than twelve months of 30 days.
const YEAR_BEYOND_MONTHS: f64 = 453_600.0;

/// The fields of an interval in `EXTRACT` and `date_part`.
pub(super) fn of_interval(call: ScalarFunction, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let [Expr::Literal(name, _), value] = call.args.as_slice() else {
        return Ok(Transformed::no(Expr::ScalarFunction(call)));
    };
    let name = name
        .try_as_str()
        .flatten()
        .unwrap_or_default()
        .to_lowercase();
    let part = match value.get_type(schema)? {
        DataType::Duration(_) => of_difference(&name, value),
        DataType::Interval(IntervalUnit::MonthDayNano) if name == "epoch" => {
            let years = vec![lit("year"), value.clone()];
            let years = ScalarFunction::new_udf(call.func.clone(), years);
            let years = cast(Expr::ScalarFunction(years), DataType::Float64);
            let more = binary_expr(years, Operator::Multiply, lit(YEAR_BEYOND_MONTHS));
            let months = Expr::ScalarFunction(call.clone());
            Some(binary_expr(months, Operator::Plus, more))
        }
        _ => None,
    };
    Ok(match part {
        Some(part) => Transformed::yes(part),
        None => Transformed::no(Expr::ScalarFunction(call)),
    })
}

/// A difference of timestamps has days, and hours, minutes and seconds within the day; the engine
/// returns the total in each.
fn of_difference(name: &str, difference: &Expr) -> Option<Expr> {
    let micros = DataType::Duration(TimeUnit::Microsecond);
    let micros = || cast(cast(difference.clone(), micros.clone()), DataType::Int64);
    let beyond = |larger: i64| binary_expr(micros(), Operator::Modulo, lit(larger));
    let in_units = |rest: Expr, unit: i64| binary_expr(rest, Operator::Divide, lit(unit));
    Some(match name.strip_suffix('s').unwrap_or(name) {
        "epoch" => {
            let float = cast(micros(), DataType::Float64);
            binary_expr(float, Operator::Divide, lit(1e6))
        }
        "day" => in_units(micros(), DAY),
        "hour" => in_units(beyond(DAY), HOUR),
        "minute" => in_units(beyond(HOUR), MINUTE),
        "second" => in_units(beyond(MINUTE), SECOND),
        "millisecond" => in_units(beyond(MINUTE), 1_000),
        "microsecond" => beyond(MINUTE),
        // Always 0, or null for null.
        "year" | "month" => beyond(1),
        _ => return None,
    })
}
