//! `AT TIME ZONE`, as in PostgreSQL: converts a `timestamptz` to the local time of the zone, and a
//! local time to a `timestamptz`.

use std::sync::Arc;

use arrow::array::timezone::Tz;
use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, TimeUnit, TimestampMicrosecondType};
use arrow::temporal_conversions::as_datetime_with_timezone;
use datafusion::common::{exec_err, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

/// The name of the function.
pub(in crate::child) const AT_TIME_ZONE: &str = "at_time_zone";

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct AtTimeZone {
    signature: Signature,
}

impl AtTimeZone {
    pub(super) fn new() -> Self {
        Self {
            signature: Signature::any(2, Volatility::Immutable),
        }
    }
}

const LOCAL: DataType = DataType::Timestamp(TimeUnit::Microsecond, None);

fn utc() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

impl ScalarUDFImpl for AtTimeZone {
    fn name(&self) -> &str {
        AT_TIME_ZONE
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("the type depends on whether there is a zone")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let Some(timestamp) = args.arg_fields.first() else {
            return plan_err!("AT TIME ZONE takes a timestamp");
        };
        let data_type = match timestamp.data_type() {
            DataType::Timestamp(_, Some(_)) => LOCAL,
            DataType::Timestamp(_, None) | DataType::Null => utc(),
            // PostgreSQL reads a date and a text as a `timestamptz`.
            DataType::Date32 | DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => LOCAL,
            other => return plan_err!("AT TIME ZONE of a value of type {other}"),
        };
        Ok(Arc::new(Field::new(self.name(), data_type, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [timestamps, ColumnarValue::Scalar(zone)] = args.args.as_slice() else {
            return exec_err!("the zone of AT TIME ZONE must be a literal");
        };
        let scalar = matches!(timestamps, ColumnarValue::Scalar(_));
        let rows = if scalar { 1 } else { args.number_rows };
        let timestamps = timestamps.to_array(rows)?;
        let Some(name) = zone.try_as_str().flatten() else {
            return exec_err!("the zone of AT TIME ZONE must be a text");
        };
        if name.trim_start().starts_with(['+', '-']) {
            return exec_err!(
                "AT TIME ZONE '{name}' is ambiguous: PostgreSQL counts such an offset westwards; use a name such as Europe/Berlin, or add an interval"
            );
        }
        let Ok(zone) = name.parse::<Tz>() else {
            return exec_err!("unknown time zone {name}; use a name such as Europe/Berlin");
        };
        let result: ArrayRef = if *args.return_type() == LOCAL {
            let micros = cast(&timestamps, &utc())?;
            let micros = micros.as_primitive::<TimestampMicrosecondType>();
            let local = |micros: i64| {
                as_datetime_with_timezone::<TimestampMicrosecondType>(micros, zone)
                    .map(|timestamp| timestamp.naive_local().and_utc().timestamp_micros())
            };
            let local = micros.unary_opt::<_, TimestampMicrosecondType>(local);
            Arc::new(local.with_data_type(LOCAL))
        } else {
            let there = DataType::Timestamp(TimeUnit::Microsecond, Some(name.into()));
            let timestamp = cast(&cast(&timestamps, &there)?, &utc())?;
            if timestamp.null_count() > timestamps.logical_null_count() {
                return exec_err!(
                    "a local time is ambiguous or does not exist in the time zone {name}"
                );
            }
            timestamp
        };
        super::columnar_value(scalar, result)
    }
}
