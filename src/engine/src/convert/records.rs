//! Columns with native types, for SQL: the values are those of the profile, but types that the
//! profile shows as text are kept.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit};
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::GROUP_ROWS;
use super::texts::TEXT;
use crate::parse::{CellRules, Kind};
use crate::read::{Declared, MAX_SCALE, column_of, floats};

/// The nanoseconds of a day.
const DAY: i64 = 86_400_000_000_000;
/// Times of day.
const TIME: DataType = DataType::Time64(TimeUnit::Nanosecond);

/// The type of a column in SQL.
pub(super) fn data_type(declared: &DataType) -> DataType {
    match declared {
        DataType::Dictionary(_, values) => data_type(values),
        // 64 bits, so that arithmetic on small types does not overflow.
        DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32 => DataType::Int64,
        DataType::UInt64 => DataType::Decimal128(20, 0),
        DataType::Float16 | DataType::Float32 | DataType::Float64 => DataType::Float64,
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => decimal(declared, *precision, *scale),
        DataType::Date32 | DataType::Date64 => DataType::Date32,
        DataType::Timestamp(..) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        DataType::Time32(_) | DataType::Time64(_) => TIME,
        DataType::Boolean => DataType::Boolean,
        nested if nested.is_nested() && can_be_written(nested) => nested.clone(),
        // Text, and types that Parquet lacks, as in the profile.
        _ => TEXT,
    }
}

/// Parquet has no negative scale; a scale that is too large becomes a double.
fn decimal(declared: &DataType, precision: u8, scale: i8) -> DataType {
    match (declared, scale) {
        (_, ..0) => {
            let digits = i16::from(precision) - i16::from(scale);
            match digits {
                ..=38 => DataType::Decimal128(38, 0),
                39..=76 => DataType::Decimal256(76, 0),
                _ => DataType::Float64,
            }
        }
        (DataType::Decimal256(..), scale) if scale > MAX_SCALE => DataType::Float64,
        (DataType::Decimal256(..), _) => declared.clone(),
        _ => DataType::Decimal128(precision, scale),
    }
}

/// Whether Parquet has types for all parts of a type.
fn can_be_written(data_type: &DataType) -> bool {
    match data_type {
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _)
        | DataType::Map(item, _) => can_be_written(item.data_type()),
        DataType::Struct(fields) => {
            !fields.is_empty() && fields.iter().all(|field| can_be_written(field.data_type()))
        }
        DataType::Dictionary(_, values) => !values.is_nested() && can_be_written(values),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => {
            u8::try_from(*scale).is_ok_and(|scale| scale <= *precision)
        }
        DataType::FixedSizeBinary(width) => *width > 0,
        other => {
            matches!(
                other,
                DataType::Boolean
                    | DataType::Date32
                    | DataType::Date64
                    | DataType::Timestamp(..)
                    | DataType::Time32(_)
                    | DataType::Time64(_)
                    | DataType::Utf8
                    | DataType::LargeUtf8
                    | DataType::Utf8View
                    | DataType::Binary
                    | DataType::LargeBinary
                    | DataType::BinaryView
            ) || other.is_integer()
                || other.is_floating()
        }
    }
}

/// Converts the column to its type in SQL. `kind` is its kind in the profile.
pub(super) fn column(
    array: &ArrayRef,
    target: &DataType,
    kind: Kind,
    rules: Option<&CellRules>,
) -> Result<ArrayRef, String> {
    match target {
        text if *text == TEXT => {
            let declared = Declared::of(array.data_type());
            let column = column_of(array, declared, Kind::Text, rules, 0)?;
            Ok(super::array(&column, target))
        }
        DataType::Boolean | DataType::Date32 | DataType::Timestamp(..) => {
            let declared = Declared::of(array.data_type());
            let column = column_of(array, declared, kind, rules, 0)?;
            Ok(super::array(&column, target))
        }
        DataType::Float64 => {
            let floats = floats(array)?;
            let floats = floats.as_primitive::<Float64Type>();
            Ok(Arc::new(floats.unary::<_, Float64Type>(one_zero)))
        }
        DataType::Time64(TimeUnit::Nanosecond) => {
            // Values out of range are missing, as in the profile.
            let nanos = to(&to(array, target)?, &DataType::Int64)?;
            let times = nanos.as_primitive::<Int64Type>().iter();
            let times = times.map(|time| time.filter(|nanos| (0..DAY).contains(nanos)));
            let times: arrow::array::Time64NanosecondArray = times.collect();
            Ok(Arc::new(times))
        }
        other => to(array, other),
    }
}

/// The float with a positive zero and a canonical NaN, so that values that are equal in SQL are
/// equal in joins and groups, too.
pub(super) fn one_zero(x: f64) -> f64 {
    if x.is_nan() { f64::NAN } else { x + 0.0 }
}

fn to(array: &ArrayRef, target: &DataType) -> Result<ArrayRef, String> {
    if array.data_type() == target {
        return Ok(Arc::clone(array));
    }
    let options = CastOptions {
        safe: true,
        ..CastOptions::default()
    };
    cast_with_options(array, target, &options).map_err(|error| error.to_string())
}

/// The properties of the writer. There are no statistics of floats, as these do not support NaN.
pub(super) fn properties<'a>(
    columns: impl Iterator<Item = (&'a String, &'a DataType)>,
) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(GROUP_ROWS));
    for (name, data_type) in columns {
        if data_type.is_floating() || data_type.is_nested() {
            let path = ColumnPath::new(vec![name.clone()]);
            properties = properties.set_column_statistics_enabled(path, EnabledStatistics::None);
        }
    }
    properties.build()
}
