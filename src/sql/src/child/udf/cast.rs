//! Casts that round as PostgreSQL and DuckDB do. They have a name of their own: the engine names a
//! cast after its operand, so that `sum(x)` and `sum(cast(x as int))` would be one column.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, BooleanArray, StringArray};
use arrow::compute::{CastOptions, cast_with_options, nullif};
use arrow::datatypes::{
    DataType, Field, FieldRef, Float32Type, Float64Type, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::{ScalarValue, exec_err, internal_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};

use super::{canonical, shared, timestamp};

/// The name of the cast that fails on values out of range.
pub(in crate::child) const CAST: &str = "cast";
/// The name of the cast that returns null instead.
pub(in crate::child) const TRY_CAST: &str = "try_cast";

/// The two casts.
pub(in crate::child) fn casts() -> Vec<Arc<ScalarUDF>> {
    [false, true]
        .map(|safe| {
            shared(Cast {
                safe,
                signature: Signature::any(2, Volatility::Immutable),
            })
        })
        .into()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Cast {
    /// Whether a value out of range becomes null.
    safe: bool,
    signature: Signature,
}

impl ScalarUDFImpl for Cast {
    fn name(&self) -> &str {
        if self.safe { TRY_CAST } else { CAST }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        internal_err!("the type of a cast is its second argument")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let target = args.scalar_arguments.get(1).copied().flatten();
        let Some(target) = target.and_then(|target| target.try_as_str().flatten()) else {
            return plan_err!("the type of a cast is missing");
        };
        let target: DataType = target.parse()?;
        let nullable = self.safe || args.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(self.name(), target, nullable)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some(value) = args.args.first() else {
            return internal_err!("a cast has a value");
        };
        let scalar = matches!(value, ColumnarValue::Scalar(_));
        let array = match value {
            // The engine reads a decimal literal as a float; a half is exact.
            ColumnarValue::Scalar(ScalarValue::Float64(Some(x)))
                if args.return_type().is_integer() =>
            {
                ScalarValue::Float64(Some(x.round())).to_array()?
            }
            value => value.to_array(if scalar { 1 } else { args.number_rows })?,
        };
        let options = CastOptions {
            safe: self.safe,
            ..datafusion::common::format::DEFAULT_CAST_OPTIONS
        };
        if matches!(array.data_type(), DataType::Timestamp(..)) && is_text(args.return_type()) {
            let text =
                cast_with_options(&timestamp_as_text(&array)?, args.return_type(), &options)?;
            return super::columnar_value(scalar, text);
        }
        if matches!(args.return_type(), DataType::Timestamp(..)) && is_text(array.data_type()) {
            let texts = with_seconds(&array, args.return_type())?;
            let timestamps = cast_with_options(&texts, args.return_type(), &options)?;
            return super::columnar_value(scalar, timestamps);
        }
        if matches!(array.data_type(), DataType::Time32(_) | DataType::Time64(_))
            && is_text(args.return_type())
        {
            let texts = cast_with_options(&array, &DataType::Utf8, &options)?;
            let texts = cast_with_options(&without_zeros(&texts), args.return_type(), &options)?;
            return super::columnar_value(scalar, texts);
        }
        let array = rounded(&array, args.return_type())?;
        let array = match overflowing(&array, args.return_type()) {
            Some(_) if !self.safe => return exec_err!("out of range: a real has 38 digits"),
            Some(beyond) => nullif(&array, &beyond)?,
            None => array,
        };
        let array = cast_with_options(&array, args.return_type(), &options)?;
        super::columnar_value(scalar, canonical::of(&array))
    }
}

fn is_text(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    )
}

/// Formats timestamps like PostgreSQL and DuckDB: `2024-02-29 12:00:00.5`, in UTC.
fn timestamp_as_text(timestamps: &ArrayRef) -> Result<ArrayRef> {
    let utc = DataType::Timestamp(TimeUnit::Microsecond, None);
    let plain = match timestamps.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => {
            let micros = timestamps.as_primitive::<TimestampMicrosecondType>();
            Arc::new(micros.clone().with_data_type(utc))
        }
        _ => cast_with_options(timestamps, &utc, &CastOptions::default())?,
    };
    let texts = cast_with_options(&plain, &DataType::Utf8, &CastOptions::default())?;
    let texts = texts.as_string::<i32>().iter();
    let texts = texts.map(|text| text.map(|text| text.replace('T', " ")));
    let texts: ArrayRef = Arc::new(texts.collect::<StringArray>());
    Ok(without_zeros(&texts))
}

/// The texts without zeros at the end of a fraction.
fn without_zeros(texts: &ArrayRef) -> ArrayRef {
    let texts = texts.as_string::<i32>().iter().map(|text| {
        text.map(|text| match text.contains('.') {
            true => text.trim_end_matches('0'),
            false => text,
        })
    });
    Arc::new(texts.collect::<StringArray>())
}

/// Adds seconds to timestamps in text that lack them, and takes away a zone that the type has not.
fn with_seconds(texts: &ArrayRef, target: &DataType) -> Result<ArrayRef> {
    let texts = cast_with_options(texts, &DataType::Utf8, &CastOptions::default())?;
    let texts = texts.as_string::<i32>().iter();
    let local = matches!(target, DataType::Timestamp(_, None));
    let texts = texts.map(|text| {
        text.map(|text| match local {
            true => timestamp::without_zone(text),
            false => text,
        })
        .map(|text| timestamp::with_seconds(text).unwrap_or_else(|| text.to_owned()))
    });
    Ok(Arc::new(texts.collect::<StringArray>()))
}

/// Which doubles are finite, and no real is; `None` for none.
fn overflowing(array: &ArrayRef, target: &DataType) -> Option<BooleanArray> {
    if *target != DataType::Float32 {
        return None;
    }
    let doubles = array.as_primitive_opt::<Float64Type>()?;
    let beyond = |x: f64| x.is_finite() && (x as f32).is_infinite();
    let beyond = BooleanArray::from_unary(doubles, beyond);
    (beyond.true_count() > 0).then_some(beyond)
}

/// Rounds numbers that are cast to integers: ties of floats to even, of decimals away from zero.
fn rounded(array: &ArrayRef, target: &DataType) -> Result<ArrayRef> {
    Ok(match array.data_type() {
        DataType::Decimal128(_, 1..) if target.is_integer() => {
            cast_with_options(array, &DataType::Decimal128(38, 0), &CastOptions::default())?
        }
        DataType::Decimal256(_, 1..) if target.is_integer() => {
            cast_with_options(array, &DataType::Decimal256(76, 0), &CastOptions::default())?
        }
        DataType::Float64 if target.is_integer() => {
            let floats = array.as_primitive::<Float64Type>();
            Arc::new(floats.unary::<_, Float64Type>(f64::round_ties_even))
        }
        DataType::Float32 if target.is_integer() => {
            let floats = array.as_primitive::<Float32Type>();
            Arc::new(floats.unary::<_, Float32Type>(f32::round_ties_even))
        }
        _ => Arc::clone(array),
    })
}
