//! The length of an interval in nanoseconds, with months of 30 days and days of 24 hours, as in
//! comparisons of PostgreSQL and DuckDB.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, new_null_array};
use arrow::datatypes::{
    DataType, DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType,
    DurationSecondType, IntervalDayTime, IntervalDayTimeType, IntervalMonthDayNano,
    IntervalMonthDayNanoType, IntervalUnit, IntervalYearMonthType, TimeUnit,
};
use datafusion::common::internal_err;
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::{Shared, shared};

const DAY: i128 = 86_400_000_000_000;
const MONTH: i128 = 30 * DAY;
const NANOS: DataType = DataType::Decimal128(38, 0);

static LENGTH: Shared = Shared(LazyLock::new(|| {
    shared(Length {
        signature: Signature::any(1, Volatility::Immutable),
    })
}));

/// The length of an interval or a duration.
pub(in crate::child) fn length(interval: Expr) -> Expr {
    LENGTH.call(vec![interval])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Length {
    signature: Signature,
}

impl ScalarUDFImpl for Length {
    fn name(&self) -> &str {
        "length_of_interval"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(NANOS)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = matches!(args.args.first(), Some(ColumnarValue::Scalar(_)));
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let Some(array) = arrays.first() else {
            return internal_err!("{} takes one argument", self.name());
        };
        super::columnar_value(scalar, of(array)?)
    }
}

fn of(array: &ArrayRef) -> Result<ArrayRef> {
    macro_rules! lengths {
        ($type:ty, $length:expr) => {{
            let length = $length;
            let lengths = array.as_primitive::<$type>().iter();
            lengths
                .map(|value| value.map(length))
                .collect::<Decimal128Array>()
        }};
    }
    let lengths = match array.data_type() {
        DataType::Null => return Ok(new_null_array(&NANOS, array.len())),
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            lengths!(IntervalMonthDayNanoType, |value: IntervalMonthDayNano| {
                i128::from(value.months) * MONTH
                    + i128::from(value.days) * DAY
                    + i128::from(value.nanoseconds)
            })
        }
        DataType::Interval(IntervalUnit::DayTime) => {
            lengths!(IntervalDayTimeType, |value: IntervalDayTime| {
                i128::from(value.days) * DAY + i128::from(value.milliseconds) * 1_000_000
            })
        }
        DataType::Interval(IntervalUnit::YearMonth) => {
            lengths!(IntervalYearMonthType, |months: i32| i128::from(months)
                * MONTH)
        }
        DataType::Duration(TimeUnit::Second) => {
            lengths!(DurationSecondType, |value: i64| i128::from(value)
                * 1_000_000_000)
        }
        DataType::Duration(TimeUnit::Millisecond) => {
            lengths!(DurationMillisecondType, |value: i64| i128::from(value)
                * 1_000_000)
        }
        DataType::Duration(TimeUnit::Microsecond) => {
            lengths!(DurationMicrosecondType, |value: i64| i128::from(value)
                * 1_000)
        }
        DataType::Duration(TimeUnit::Nanosecond) => lengths!(DurationNanosecondType, i128::from),
        other => return internal_err!("{other} has no length"),
    };
    Ok(Arc::new(lengths.with_precision_and_scale(38, 0)?))
}
