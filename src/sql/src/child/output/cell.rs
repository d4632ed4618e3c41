//! One cell of a result: a value for JSON and CSV, or nested.

use std::borrow::Cow;

use arrow::array::{Array, ArrayRef, AsArray, StructArray};
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType, DurationSecondType,
    Float16Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    IntervalDayTimeType, IntervalMonthDayNanoType, IntervalUnit, IntervalYearMonthType,
    Time32MillisecondType, Time32SecondType, Time64MicrosecondType, Time64NanosecondType, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow::util::display::array_value_to_string;
use datafusion::error::Result;

use super::interval::iso;

/// One cell.
pub(super) enum Cell<'a> {
    Null,
    Boolean(bool),
    /// A formatted number.
    Number(String),
    /// A double; it may be infinite or NaN.
    Float(f64),
    Text(Cow<'a, str>),
    List(ArrayRef),
    Struct(&'a StructArray),
    /// Keys and values.
    Map(StructArray),
}

/// The cell in a row of a column.
pub(super) fn cell(column: &dyn Array, row: usize) -> Result<Cell<'_>> {
    if column.is_null(row) {
        return Ok(Cell::Null);
    }
    macro_rules! number {
        ($type:ty) => {
            Cell::Number(column.as_primitive::<$type>().value(row).to_string())
        };
    }
    macro_rules! decimal {
        ($type:ty) => {
            Cell::Number(column.as_primitive::<$type>().value_as_string(row))
        };
    }
    macro_rules! timestamp {
        ($type:ty, $read:ident, $format:literal, $unit:literal) => {{
            let timestamps = column.as_primitive::<$type>();
            Cell::Text(match timestamps.$read(row) {
                Some(timestamp) => timestamp.format($format).to_string().into(),
                // Out of the calendar library's range; formatted as in the profile.
                None => format!(
                    concat!("{} ", $unit, " since 1970-01-01"),
                    timestamps.value(row)
                )
                .into(),
            })
        }};
    }
    macro_rules! date {
        ($type:ty, $unit:literal) => {
            timestamp!($type, value_as_date, "%Y-%m-%d", $unit)
        };
    }
    macro_rules! instant {
        ($type:ty, $unit:literal) => {
            timestamp!($type, value_as_datetime, "%Y-%m-%dT%H:%M:%S%.fZ", $unit)
        };
    }
    macro_rules! time {
        ($type:ty) => {
            match column.as_primitive::<$type>().value_as_time(row) {
                Some(time) => Cell::Text(time.format("%H:%M:%S%.f").to_string().into()),
                // Out of range.
                None => Cell::Null,
            }
        };
    }
    macro_rules! duration {
        ($type:ty, $nanos:literal) => {{
            let value = column.as_primitive::<$type>().value(row);
            Cell::Text(iso(0, 0, i128::from(value) * $nanos).into())
        }};
    }
    Ok(match column.data_type() {
        DataType::Null => Cell::Null,
        DataType::Boolean => Cell::Boolean(column.as_boolean().value(row)),
        DataType::Int8 => number!(Int8Type),
        DataType::Int16 => number!(Int16Type),
        DataType::Int32 => number!(Int32Type),
        DataType::Int64 => number!(Int64Type),
        DataType::UInt8 => number!(UInt8Type),
        DataType::UInt16 => number!(UInt16Type),
        DataType::UInt32 => number!(UInt32Type),
        DataType::UInt64 => number!(UInt64Type),
        DataType::Float16 => Cell::Float(column.as_primitive::<Float16Type>().value(row).to_f64()),
        DataType::Float32 => single(column.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => Cell::Float(column.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal32(..) => decimal!(Decimal32Type),
        DataType::Decimal64(..) => decimal!(Decimal64Type),
        DataType::Decimal128(..) => decimal!(Decimal128Type),
        DataType::Decimal256(..) => decimal!(Decimal256Type),
        DataType::Utf8 => Cell::Text(column.as_string::<i32>().value(row).into()),
        DataType::LargeUtf8 => Cell::Text(column.as_string::<i64>().value(row).into()),
        DataType::Utf8View => Cell::Text(column.as_string_view().value(row).into()),
        DataType::Binary => hex(column.as_binary::<i32>().value(row)),
        DataType::LargeBinary => hex(column.as_binary::<i64>().value(row)),
        DataType::BinaryView => hex(column.as_binary_view().value(row)),
        DataType::FixedSizeBinary(_) => hex(column.as_fixed_size_binary().value(row)),
        DataType::Date32 => date!(Date32Type, "days"),
        DataType::Date64 => date!(Date64Type, "ms"),
        DataType::Time32(TimeUnit::Second) => time!(Time32SecondType),
        DataType::Time32(_) => time!(Time32MillisecondType),
        DataType::Time64(TimeUnit::Microsecond) => time!(Time64MicrosecondType),
        DataType::Time64(_) => time!(Time64NanosecondType),
        // With or without a zone, the value is relative to 1970 in UTC.
        DataType::Timestamp(TimeUnit::Second, _) => instant!(TimestampSecondType, "s"),
        DataType::Timestamp(TimeUnit::Millisecond, _) => instant!(TimestampMillisecondType, "ms"),
        DataType::Timestamp(TimeUnit::Microsecond, _) => instant!(TimestampMicrosecondType, "µs"),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => instant!(TimestampNanosecondType, "ns"),
        DataType::Duration(TimeUnit::Second) => duration!(DurationSecondType, 1_000_000_000),
        DataType::Duration(TimeUnit::Millisecond) => duration!(DurationMillisecondType, 1_000_000),
        DataType::Duration(TimeUnit::Microsecond) => duration!(DurationMicrosecondType, 1_000),
        DataType::Duration(TimeUnit::Nanosecond) => duration!(DurationNanosecondType, 1),
        DataType::Interval(IntervalUnit::YearMonth) => {
            let months = column.as_primitive::<IntervalYearMonthType>().value(row);
            Cell::Text(iso(months.into(), 0, 0).into())
        }
        DataType::Interval(IntervalUnit::DayTime) => {
            let value = column.as_primitive::<IntervalDayTimeType>().value(row);
            Cell::Text(
                iso(
                    0,
                    value.days.into(),
                    i128::from(value.milliseconds) * 1_000_000,
                )
                .into(),
            )
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            let value = column.as_primitive::<IntervalMonthDayNanoType>().value(row);
            Cell::Text(
                iso(
                    value.months.into(),
                    value.days.into(),
                    value.nanoseconds.into(),
                )
                .into(),
            )
        }
        DataType::List(_) => Cell::List(column.as_list::<i32>().value(row)),
        DataType::LargeList(_) => Cell::List(column.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => Cell::List(column.as_fixed_size_list().value(row)),
        DataType::ListView(_) => Cell::List(column.as_list_view::<i32>().value(row)),
        DataType::LargeListView(_) => Cell::List(column.as_list_view::<i64>().value(row)),
        DataType::Struct(_) => Cell::Struct(column.as_struct()),
        DataType::Map(..) => Cell::Map(column.as_map().value(row)),
        DataType::Dictionary(..) | DataType::RunEndEncoded(..) | DataType::Union(..) => {
            Cell::Text(array_value_to_string(column, row)?.into())
        }
    })
}

/// A single has its own shortest digits: 0.1 is not 0.10000000149011612.
fn single(value: f32) -> Cell<'static> {
    if value.is_finite() {
        Cell::Number(format_single(value))
    } else {
        Cell::Float(value.into())
    }
}

fn format_single(value: f32) -> String {
    serde_json::to_string(&value).unwrap_or_default()
}

fn hex(bytes: &[u8]) -> Cell<'static> {
    use std::fmt::Write;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    Cell::Text(text.into())
}
