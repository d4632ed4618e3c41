//! Converts Arrow arrays to columns.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Float64Array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Decimal256Type, Float64Type, Int64Type, TimeUnit,
    TimestampMicrosecondType, TimestampNanosecondType,
};

use foldhash::quality::FixedState;

use super::measure::{HEXADECIMAL, is_readable, view_length};
use super::nested::Shown;
use super::slices::LONG;
use crate::batch::{ColumnBatch, Decimals, Missing, Texts, Values};
use crate::parse::{CellRules, Kind, TypeSet};

/// The largest scale of decimals of 128 bits.
pub(crate) const MAX_SCALE: i8 = 38;

/// The engine's category of an Arrow type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Declared {
    Boolean,
    Integer,
    /// Unsigned integers of 64 bits, and decimals without a fraction.
    Large,
    Decimal,
    Float,
    Date,
    Timestamp,
    Text,
    /// Text if it is valid UTF-8, otherwise hexadecimal digits after `\x`.
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
            // A larger scale than decimals have here.
            DataType::Decimal256(_, scale) if *scale > MAX_SCALE => Self::Float,
            DataType::Decimal32(_, scale)
            | DataType::Decimal64(_, scale)
            | DataType::Decimal128(_, scale)
            | DataType::Decimal256(_, scale) => {
                if *scale <= 0 {
                    Self::Large
                } else {
                    Self::Decimal
                }
            }
            DataType::Date32 | DataType::Date64 => Self::Date,
            DataType::Timestamp(_, _) => Self::Timestamp,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Self::Text,
            DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
            | DataType::FixedSizeBinary(_) => Self::Binary,
            DataType::Dictionary(_, values) => Self::of(values),
            _ => Self::Other,
        }
    }

    /// The types that columns of this category allow, before any cell is read.
    pub(crate) fn kinds(self) -> TypeSet {
        match self {
            Self::Boolean => TypeSet::BOOLEAN,
            Self::Integer => TypeSet::WHOLE,
            // Floats if a value has too many digits.
            Self::Large => TypeSet::LARGE.or(TypeSet::FLOAT),
            Self::Decimal => TypeSet::DECIMAL.or(TypeSet::FLOAT),
            Self::Float => TypeSet::FLOAT,
            Self::Date => TypeSet::DATE,
            Self::Timestamp => TypeSet::TIME,
            Self::Text | Self::Binary | Self::Other => TypeSet::TEXT,
        }
    }
}

/// Reads an array as a column of the planned kind. The file declares missing cells; texts are only
/// missing if the options list markers.
pub(crate) fn build(
    array: &ArrayRef,
    declared: Declared,
    kind: Kind,
    markers: Option<&CellRules>,
    seed: u64,
) -> Result<ColumnBatch, String> {
    let rows = array.len();
    let array = &match array.data_type() {
        DataType::Dictionary(_, values) if kind != Kind::Text => to(array, values)?,
        _ => Arc::clone(array),
    };
    let mut missing = Missing::default();
    let mut kinds = declared.kinds();
    let mut fits = true;
    let mut out_of_range = 0;
    let mut too_long = 0;
    let values = match kind {
        Kind::Float => {
            let floats = floats(array)?;
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
            if matches!(array.data_type(), DataType::Decimal256(_, scale) if *scale > MAX_SCALE) {
                too_long = (rows - missing.count()) as u64;
            } else if matches!(declared, Declared::Large | Declared::Decimal) {
                too_long = beyond(array, &decimals(array)?);
                if too_long > 0 {
                    kinds = TypeSet::FLOAT;
                }
            }
            values
        }
        Kind::Large | Kind::Decimal => {
            let decimals = decimals(array)?;
            fits = beyond(array, &decimals) == 0;
            if !fits {
                kinds = TypeSet::FLOAT;
            }
            let decimals = decimals.as_primitive::<Decimal128Type>();
            let scale = u8::try_from(decimals.scale()).unwrap_or(0);
            let value = |row| {
                if decimals.is_null(row) {
                    missing.mark(row);
                    return 0;
                }
                decimals.value(row)
            };
            let digits = (0..rows).map(value).collect();
            Values::Decimals(Decimals { digits, scale })
        }
        Kind::Text => {
            let cells = TextCells {
                texts: Texts::new(None, rows, seed),
                markers,
                missing: &mut missing,
                long: HashMap::default(),
            };
            text(array, declared, cells, &mut out_of_range)?
        }
        Kind::Boolean => {
            let booleans = to(array, &DataType::Boolean)?;
            let booleans = booleans.as_boolean();
            let value = |row| i64::from(booleans.value(row));
            Values::Integers(integers(booleans, value, &mut missing))
        }
        Kind::Integer => {
            let whole = to(array, &DataType::Int64)?;
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
            let times = match array.data_type() {
                DataType::Timestamp(TimeUnit::Nanosecond, _) => microseconds(array),
                _ => to(array, &DataType::Timestamp(TimeUnit::Microsecond, zone))?,
            };
            out_of_range = times.null_count().saturating_sub(array.null_count()) as u64;
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
        natives: 0,
        identifiers: 0,
        formulas: 0,
        out_of_range,
        too_long,
    })
}

/// Casts; values out of range become null.
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

/// Numbers as doubles. A decimal with too many digits becomes the nearest double, which a quotient
/// of two rounded doubles is not.
pub(crate) fn floats(array: &ArrayRef) -> Result<ArrayRef, String> {
    let DataType::Decimal256(..) = array.data_type() else {
        return to(array, &DataType::Float64);
    };
    let decimals = array.as_primitive::<Decimal256Type>();
    let float = |row| decimals.value_as_string(row).parse::<f64>().ok();
    let floats = (0..decimals.len()).map(|row| float(row).filter(|_| decimals.is_valid(row)));
    Ok(Arc::new(floats.collect::<Float64Array>()))
}

/// Decimals of up to 38 digits; others become null.
fn decimals(array: &ArrayRef) -> Result<ArrayRef, String> {
    let scale = match array.data_type() {
        DataType::Decimal32(_, scale)
        | DataType::Decimal64(_, scale)
        | DataType::Decimal128(_, scale)
        | DataType::Decimal256(_, scale) => (*scale).max(0),
        _ => 0,
    };
    to(array, &DataType::Decimal128(38, scale))
}

/// How many values do not fit into 38 digits.
fn beyond(array: &ArrayRef, decimals: &ArrayRef) -> u64 {
    decimals
        .logical_null_count()
        .saturating_sub(array.logical_null_count()) as u64
}

/// Nanoseconds truncated to microseconds, before 1970 towards the past as well.
fn microseconds(array: &ArrayRef) -> ArrayRef {
    let nanos = array.as_primitive::<TimestampNanosecondType>();
    Arc::new(nanos.unary::<_, TimestampMicrosecondType>(|nanos| nanos.div_euclid(1000)))
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
    mut cells: TextCells<'_>,
    out_of_range: &mut u64,
) -> Result<Values, String> {
    // Including nulls of referenced values.
    let nulls = array.logical_nulls();
    // A float that is no number is missing here as well.
    let numbers = match declared {
        Declared::Float => Some(floats(array)?),
        _ => None,
    };
    let is_nan = |row| {
        let numbers = numbers
            .as_ref()
            .map(|numbers| numbers.as_primitive::<Float64Type>());
        numbers.is_some_and(|numbers| numbers.value(row).is_nan())
    };
    let present =
        |row: &usize| nulls.as_ref().is_none_or(|nulls| nulls.is_valid(*row)) && !is_nan(*row);
    match declared {
        Declared::Text => {
            let array = to(array, &DataType::Utf8View)?;
            let array = array.as_string_view();
            for row in 0..array.len() {
                let view = Some(row).filter(present).map(|row| array.views()[row]);
                cells.push_view(view, || array.value(row).as_bytes().into());
            }
        }
        Declared::Binary => {
            let array = to(array, &DataType::BinaryView)?;
            let array = array.as_binary_view();
            for row in 0..array.len() {
                let view = Some(row).filter(present).map(|row| array.views()[row]);
                cells.push_view(view, || readable(array.value(row)));
            }
        }
        _ => {
            let format = Shown::new(array)?;
            let mut shown = String::new();
            for row in 0..array.len() {
                shown.clear();
                if !present(&row) {
                    cells.push(None);
                } else if format.write(row, &mut shown).is_err() {
                    // A time of day out of range, possibly nested.
                    *out_of_range += 1;
                    cells.push(None);
                } else {
                    cells.push(Some(shown.as_bytes()));
                }
            }
        }
    }
    Ok(Values::Text(cells.texts))
}

/// The text if the bytes are valid, otherwise their digits after a prefix that no valid text here
/// has: distinct values have distinct texts.
fn readable(bytes: &[u8]) -> Cow<'_, [u8]> {
    if is_readable(bytes) {
        return bytes.into();
    }
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15].map(|half| DIGITS[usize::from(half)]));
    let mut shown = Vec::with_capacity(HEXADECIMAL.len() + 2 * bytes.len());
    shown.extend_from_slice(HEXADECIMAL);
    shown.extend(digits);
    shown.into()
}

/// The texts of a column so far.
struct TextCells<'a> {
    texts: Texts,
    markers: Option<&'a CellRules>,
    missing: &'a mut Missing,
    /// The first row of each long text, which a dictionary may repeat in all rows.
    long: HashMap<u128, usize, FixedState>,
}

impl TextCells<'_> {
    fn push(&mut self, cell: Option<&[u8]>) {
        let is_missing = |cell: &[u8]| self.markers.is_some_and(|rules| rules.is_missing(cell));
        match cell.filter(|cell| !is_missing(cell)) {
            Some(cell) => self.texts.push(cell),
            None => {
                self.missing.mark(self.texts.len());
                self.texts.push_missing();
            }
        }
    }

    /// The same with a `view` that identifies the text by its location in the file, so that a
    /// repeated long text is not read.
    fn push_view<'t>(&mut self, view: Option<u128>, text: impl FnOnce() -> Cow<'t, [u8]>) {
        let Some(view) = view else {
            return self.push(None);
        };
        if view_length(view) < LONG {
            return self.push(Some(&text()));
        }
        let row = self.texts.len();
        match self.long.entry(view) {
            Entry::Vacant(entry) => {
                entry.insert(row);
                self.push(Some(&text()));
            }
            Entry::Occupied(first) if self.missing.at(*first.get()) => self.push(None),
            Entry::Occupied(first) => self.texts.push_again(*first.get()),
        }
    }
}
