//! Values of types that are no type of a column, as text: numbers and times as they are displayed,
//! and what has parts as JSON, so that different values are different texts.

use std::fmt::{self, Write};

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeListArray, GenericListArray, MapArray, OffsetSizeTrait,
    StructArray,
};
use arrow::datatypes::{DataType, Field};
use arrow::util::display::{ArrayFormatter, FormatOptions};

/// How deep types may be nested: as deep as programs make them.
const MOST_DEEP: usize = 64;

/// Writes the values of an array as text.
pub(super) enum Shown<'a> {
    /// As it stands, or in quotes.
    Plain(ArrayFormatter<'a>),
    /// Texts and bytes within others: their characters in quotes.
    Text(&'a dyn Array),
    List(Vec<(usize, usize)>, Box<Shown<'a>>, &'a dyn Array),
    Struct(Vec<(String, Shown<'a>, &'a dyn Array)>),
    Map(Vec<(usize, usize)>, Box<[(Shown<'a>, &'a dyn Array); 2]>),
}

const OPTIONS: FormatOptions<'static> = FormatOptions::new();

impl<'a> Shown<'a> {
    pub(super) fn new(array: &'a ArrayRef) -> Result<Self, String> {
        Self::of(array.as_ref(), 0)
    }

    fn of(array: &'a dyn Array, depth: usize) -> Result<Self, String> {
        if depth > MOST_DEEP {
            return Err(format!("types are nested more than {MOST_DEEP} deep"));
        }
        Ok(match array.data_type() {
            DataType::List(_) => Self::list(array.as_list::<i32>(), depth)?,
            DataType::LargeList(_) => Self::list(array.as_list::<i64>(), depth)?,
            DataType::FixedSizeList(..) => Self::fixed(array.as_fixed_size_list(), depth)?,
            DataType::Struct(fields) => Self::parts(array.as_struct(), fields.iter(), depth)?,
            DataType::Map(..) => Self::map(array.as_map(), depth)?,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View if depth > 0 => {
                Self::Text(array)
            }
            _ => {
                let format = ArrayFormatter::try_new(array, &OPTIONS);
                Self::Plain(format.map_err(|error| error.to_string())?)
            }
        })
    }

    fn list<O: OffsetSizeTrait>(
        list: &'a GenericListArray<O>,
        depth: usize,
    ) -> Result<Self, String> {
        let ends = list.value_offsets().windows(2);
        let ends = ends.map(|pair| (pair[0].as_usize(), pair[1].as_usize()));
        let items = list.values().as_ref();
        let shown = Box::new(Self::of(items, depth + 1)?);
        Ok(Self::List(ends.collect(), shown, items))
    }

    fn fixed(list: &'a FixedSizeListArray, depth: usize) -> Result<Self, String> {
        let size = usize::try_from(list.value_length()).unwrap_or(0);
        let ends = (0..list.len()).map(|row| (row * size, (row + 1) * size));
        let items = list.values().as_ref();
        let shown = Box::new(Self::of(items, depth + 1)?);
        Ok(Self::List(ends.collect(), shown, items))
    }

    fn parts<'f>(
        parts: &'a StructArray,
        fields: impl Iterator<Item = &'f std::sync::Arc<Field>>,
        depth: usize,
    ) -> Result<Self, String> {
        let columns = parts.columns().iter().zip(fields);
        let columns = columns.map(|(column, field)| {
            let column = column.as_ref();
            Ok((field.name().clone(), Self::of(column, depth + 1)?, column))
        });
        Ok(Self::Struct(columns.collect::<Result<_, String>>()?))
    }

    fn map(map: &'a MapArray, depth: usize) -> Result<Self, String> {
        let ends = map.value_offsets().windows(2);
        let ends = ends.map(|pair| {
            let at = |end: i32| usize::try_from(end).unwrap_or(0);
            (at(pair[0]), at(pair[1]))
        });
        let (keys, values) = (map.keys().as_ref(), map.values().as_ref());
        let pair = [
            (Self::of(keys, depth + 1)?, keys),
            (Self::of(values, depth + 1)?, values),
        ];
        Ok(Self::Map(ends.collect(), Box::new(pair)))
    }

    /// Appends the value of a row that has one.
    ///
    /// # Errors
    /// Where it cannot be displayed: a time of day beyond midnight.
    pub(super) fn write(&self, row: usize, out: &mut String) -> fmt::Result {
        match self {
            Self::Plain(format) => format.value(row).write(out).map_err(|_| fmt::Error),
            Self::Text(texts) => {
                let text = text_at(*texts, row);
                out.push_str(&serde_json::to_string(text).map_err(|_| fmt::Error)?);
                Ok(())
            }
            Self::List(ends, items, array) => {
                let (start, end) = ends[row];
                out.push('[');
                for at in start..end {
                    if at > start {
                        out.push_str(", ");
                    }
                    items.write_part(*array, at, out)?;
                }
                out.push(']');
                Ok(())
            }
            Self::Struct(parts) => {
                out.push('{');
                for (number, (name, part, array)) in parts.iter().enumerate() {
                    if number > 0 {
                        out.push_str(", ");
                    }
                    write!(out, "{}: ", quoted(name)?)?;
                    part.write_part(*array, row, out)?;
                }
                out.push('}');
                Ok(())
            }
            Self::Map(ends, pair) => {
                let [(keys, key_array), (values, value_array)] = pair.as_ref();
                let (start, end) = ends[row];
                out.push('{');
                for at in start..end {
                    if at > start {
                        out.push_str(", ");
                    }
                    keys.write_part(*key_array, at, out)?;
                    out.push_str(": ");
                    values.write_part(*value_array, at, out)?;
                }
                out.push('}');
                Ok(())
            }
        }
    }

    /// The value within another: null, a number or boolean as it is, all else in quotes.
    fn write_part(&self, array: &dyn Array, row: usize, out: &mut String) -> fmt::Result {
        if array.is_null(row) {
            out.push_str("null");
            return Ok(());
        }
        match self {
            Self::Plain(_) if !is_bare(array.data_type()) => {
                let mut text = String::new();
                self.write(row, &mut text)?;
                out.push_str(&quoted(&text)?);
                Ok(())
            }
            _ => self.write(row, out),
        }
    }
}

fn quoted(text: &str) -> Result<String, fmt::Error> {
    serde_json::to_string(text).map_err(|_| fmt::Error)
}

/// Numbers and booleans need no quotes to be told from texts.
fn is_bare(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => is_bare(values),
        DataType::Boolean | DataType::Null => true,
        other => other.is_numeric(),
    }
}

fn text_at(texts: &dyn Array, row: usize) -> &str {
    match texts.data_type() {
        DataType::LargeUtf8 => texts.as_string::<i64>().value(row),
        DataType::Utf8View => texts.as_string_view().value(row),
        _ => texts.as_string::<i32>().value(row),
    }
}
