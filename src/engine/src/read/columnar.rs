//! From Arrow arrays to columns.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    DataType, Date32Type, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType,
};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::batch::{ColumnBatch, Missing, Texts, Values};
use crate::cell::{CellRules, Kind, Kinds};

/// What a type of Arrow is here.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Declared {
    Boolean,
    Integer,
    /// Unsigned integers of 64 bits and decimals: integers where all values fit.
    Large,
    Float,
    Date,
    Timestamp,
    Text,
    /// Text where it is valid, else hexadecimal digits.
    Binary,
    /// Everything else, as it is displayed.
    Other,
}

impl Declared {
    pub(crate) fn of(data_type: &DataType) -> Self {
        match data_type {
            DataType::Boolean => Self::Boolean,
            DataType::Int8
            | DataType::Int16
            | DataType::Int32
            | DataType::Int64
            | DataType::UInt8
            | DataType::UInt16
            | DataType::UInt32 => Self::Integer,
            DataType::UInt64 => Self::Large,
            DataType::Float16 | DataType::Float32 | DataType::Float64 => Self::Float,
            DataType::Decimal32(_, scale)
            | DataType::Decimal64(_, scale)
            | DataType::Decimal128(_, scale)
            | DataType::Decimal256(_, scale) => {
                if *scale <= 0 {
                    Self::Large
                } else {
                    Self::Float
                }
            }
            DataType::Date32 | DataType::Date64 => Self::Date,
            DataType::Timestamp(_, _) => Self::Timestamp,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::Binary | DataType::LargeBinary | DataType::BinaryView => Self::Binary,
            DataType::Dictionary(_, values) => Self::of(values),
            _ => Self::Other,
        }
    }

    /// What columns of the type may be read as, before any cell is seen.
    pub(crate) fn kinds(self) -> Kinds {
        match self {
            Self::Boolean => Kinds::BOOLEAN,
            Self::Integer | Self::Large => Kinds::WHOLE,
            Self::Float => Kinds::FLOAT,
            Self::Date => Kinds::DATE,
            Self::Timestamp => Kinds::TIME,
            Self::Text | Self::Binary | Self::Other => Kinds::TEXT,
        }
    }
}

/// Reads an array as a column of the planned kind.
pub(crate) fn build(
    array: &ArrayRef,
    declared: Declared,
    kind: Kind,
    rules: &CellRules,
) -> Result<ColumnBatch, String> {
    let rows = array.len();
    let mut missing = Missing::default();
    let mut kinds = declared.kinds();
    let mut fits = true;
    let values = match kind {
        Kind::Float => {
            let floats = to(array, &DataType::Float64)?;
            let floats = floats.as_primitive::<Float64Type>();
            let values = (0..rows).map(|row| {
                let value = if floats.is_null(row) {
                    f64::NAN
                } else {
                    floats.value(row)
                };
                if value.is_nan() {
                    missing.mark(row);
                }
                value
            });
            let values = Values::Floats(values.collect());
            if declared == Declared::Large {
                let whole = to(array, &DataType::Int64)?;
                if whole.null_count() > array.null_count() {
                    kinds = Kinds::FLOAT;
                }
            }
            values
        }
        Kind::Text => text(array, declared, rules, &mut missing)?,
        Kind::Boolean => {
            let booleans = to(array, &DataType::Boolean)?;
            let booleans = booleans.as_boolean();
            let value = |row| i64::from(booleans.value(row));
            Values::Integers(integers(booleans, value, &mut missing))
        }
        Kind::Integer => {
            let whole = to(array, &DataType::Int64)?;
            if whole.null_count() > array.null_count() {
                kinds = Kinds::FLOAT;
                fits = false;
            }
            let whole = whole.as_primitive::<Int64Type>();
            Values::Integers(integers(whole, |row| whole.value(row), &mut missing))
        }
        Kind::Date(_) => {
            let dates = to(array, &DataType::Date32)?;
            let dates = dates.as_primitive::<Date32Type>();
            Values::Integers(integers(
                dates,
                |row| i64::from(dates.value(row)),
                &mut missing,
            ))
        }
        Kind::Timestamp(_) => {
            let zone = match array.data_type() {
                DataType::Timestamp(_, zone) => zone.clone(),
                _ => None,
            };
            let times = to(array, &DataType::Timestamp(TimeUnit::Microsecond, zone))?;
            let times = times.as_primitive::<TimestampMicrosecondType>();
            Values::Integers(integers(times, |row| times.value(row), &mut missing))
        }
    };
    Ok(ColumnBatch {
        values,
        missing,
        kinds,
        fits,
        typed: 0,
        identifiers: 0,
        formulas: 0,
    })
}

/// Casts; values that do not fit become null.
fn to(array: &ArrayRef, data_type: &DataType) -> Result<ArrayRef, String> {
    if array.data_type() == data_type {
        return Ok(array.clone());
    }
    let options = CastOptions {
        safe: true,
        ..CastOptions::default()
    };
    cast_with_options(array, data_type, &options).map_err(|error| error.to_string())
}

fn integers(array: &dyn Array, value: impl Fn(usize) -> i64, missing: &mut Missing) -> Vec<i64> {
    (0..array.len())
        .map(|row| {
            if array.is_null(row) {
                missing.mark(row);
                0
            } else {
                value(row)
            }
        })
        .collect()
}

fn text(
    array: &ArrayRef,
    declared: Declared,
    rules: &CellRules,
    missing: &mut Missing,
) -> Result<Values, String> {
    let mut texts = Texts::new(None, array.len());
    let mut push = |cell: Option<&[u8]>| {
        let cell = cell.filter(|cell| !rules.is_missing(cell));
        match cell {
            Some(cell) => texts.push(cell),
            None => {
                missing.mark(texts.len());
                texts.push_missing();
            }
        }
    };
    match declared {
        Declared::Text => {
            let array = to(array, &DataType::LargeUtf8)?;
            for cell in array.as_string::<i64>() {
                push(cell.map(str::as_bytes));
            }
        }
        Declared::Binary => {
            let array = to(array, &DataType::LargeBinary)?;
            for cell in array.as_binary::<i64>() {
                match cell {
                    Some(bytes) if std::str::from_utf8(bytes).is_err() => {
                        let digits: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
                        push(Some(digits.as_bytes()));
                    }
                    cell => push(cell),
                }
            }
        }
        _ => {
            let options = FormatOptions::default();
            let format = ArrayFormatter::try_new(array, &options).map_err(|e| e.to_string())?;
            for row in 0..array.len() {
                if array.is_null(row) {
                    push(None);
                } else {
                    let shown = format
                        .value(row)
                        .try_to_string()
                        .map_err(|e| e.to_string())?;
                    push(Some(shown.as_bytes()));
                }
            }
        }
    }
    Ok(Values::Text(texts))
}
