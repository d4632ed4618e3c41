//! Functions that replace those of the engine. Queries cannot name them: the planner and the
//! analyzer insert them.

mod any_null;
mod canonical;
mod cast;
mod checked;
mod days;
mod digits;
mod exact;
mod length;
mod local;
mod matches;
mod now;
mod quantile;
mod removal;
mod replacement;
mod sliding;
mod timestamp;
mod totals;
mod truncate;

use std::sync::{Arc, LazyLock};

use arrow::array::ArrayRef;
use arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    AggregateUDF, ColumnarValue, Expr, ScalarUDF, ScalarUDFImpl, cast as engine_cast,
};

pub(super) use any_null::ANY_NULL;
pub(super) use canonical::{canonical, not_canonical};
pub(super) use cast::{CAST, TRY_CAST, casts};
pub(super) use checked::{Checked, nonzero};
pub(super) use days::{between as days_between, between_args as days_between_args};
pub(super) use digits::digits;
pub(super) use exact::exact_float;
pub(super) use length::length;
pub(super) use local::AT_TIME_ZONE;
pub(super) use replacement::replacement;
pub(super) use timestamp::{with_seconds, without_zone};

/// A function that is created once.
struct Shared(LazyLock<Arc<ScalarUDF>>);

impl Shared {
    fn call(&self, args: Vec<Expr>) -> Expr {
        Expr::ScalarFunction(ScalarFunction::new_udf(Arc::clone(&self.0), args))
    }
}

fn shared(function: impl ScalarUDFImpl + 'static) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::new_from_impl(function))
}

/// `base ^ exponent`, a float as in PostgreSQL.
pub(super) fn power(base: Expr, exponent: Expr) -> Expr {
    let float = |expr| engine_cast(expr, DataType::Float64);
    let power = datafusion::functions::math::power();
    canonical(Expr::ScalarFunction(ScalarFunction::new_udf(
        power,
        vec![float(base), float(exponent)],
    )))
}

/// The functions that replace the engine's own of the same name, or that rewrites call.
pub(super) fn replaced_scalars() -> Vec<Arc<ScalarUDF>> {
    vec![
        shared(now::Now::new()),
        shared(truncate::DateTrunc::new()),
        shared(local::AtTimeZone::new()),
        shared(matches::Match::new()),
        shared(any_null::AnyNull::new()),
        shared(removal::RemoveAll::new()),
    ]
}

/// The aggregates that replace the engine's own of the same name.
pub(super) fn replaced_aggregates() -> Vec<Arc<AggregateUDF>> {
    let mut replaced = totals::functions();
    replaced.extend(quantile::functions());
    replaced.extend(sliding::functions());
    replaced
}

/// Whether all arguments are single values, so that the result is one as well.
fn are_scalars(args: &[ColumnarValue]) -> bool {
    args.iter()
        .all(|arg| matches!(arg, ColumnarValue::Scalar(_)))
}

/// The result of a function: a scalar if the arguments were.
fn columnar_value(scalar: bool, array: ArrayRef) -> Result<ColumnarValue> {
    Ok(if scalar {
        ColumnarValue::Scalar(ScalarValue::try_from_array(&array, 0)?)
    } else {
        ColumnarValue::Array(array)
    })
}
