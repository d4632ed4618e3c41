//! Values of types without a column kind, as text: numbers and times as displayed, nested values
//! as JSON, so that distinct values have distinct texts.

use std::fmt::{self, Write};

use arrow::array::{Array, ArrayRef, AsArray, StructArray};
use arrow::datatypes::{DataType, Field, UnionFields};
use arrow::util::display::{ArrayFormatter, FormatOptions};

use super::referred::{is_missing, items, referred};

/// The maximum nesting of types.
const MAX_DEPTH: usize = 64;

/// Writes the values of an array as text.
pub(super) struct Shown<'a> {
    array: &'a dyn Array,
    way: Way<'a>,
}

enum Way<'a> {
    /// A displayed value, possibly quoted.
    Plain(ArrayFormatter<'a>),
    /// A nested text, quoted.
    Text,
    List(Box<Shown<'a>>),
    Struct(Vec<(String, Shown<'a>)>),
    Map(Box<[Shown<'a>; 2]>),
    /// Values of a dictionary, or of runs.
    Referred(Box<Shown<'a>>),
    /// The variants of a union, by type id.
    Union(Vec<(i8, String, Shown<'a>)>),
}

const OPTIONS: FormatOptions<'static> = FormatOptions::new();

impl<'a> Shown<'a> {
    pub(super) fn new(array: &'a ArrayRef) -> Result<Self, String> {
        Self::of(array.as_ref(), 0, false)
    }

    /// `within` another value, texts are quoted.
    fn of(array: &'a dyn Array, depth: usize, within: bool) -> Result<Self, String> {
        if depth > MAX_DEPTH {
            return Err(format!("types are nested more than {MAX_DEPTH} deep"));
        }
        let part = |array: &'a ArrayRef| Self::of(array.as_ref(), depth + 1, true);
        let same = |array: &'a ArrayRef| {
            let values = Self::of(array.as_ref(), depth + 1, within)?;
            Ok::<_, String>(Way::Referred(Box::new(values)))
        };
        let way = match array.data_type() {
            DataType::List(_) => Way::list(part(array.as_list::<i32>().values())?),
            DataType::LargeList(_) => Way::list(part(array.as_list::<i64>().values())?),
            DataType::ListView(_) => Way::list(part(array.as_list_view::<i32>().values())?),
            DataType::LargeListView(_) => Way::list(part(array.as_list_view::<i64>().values())?),
            DataType::FixedSizeList(..) => Way::list(part(array.as_fixed_size_list().values())?),
            DataType::Struct(fields) => Self::parts(array.as_struct(), fields.iter(), depth)?,
            DataType::Union(fields, _) => Self::kinds(array, fields, depth)?,
            DataType::Map(..) => {
                let map = array.as_map();
                Way::Map(Box::new([part(map.keys())?, part(map.values())?]))
            }
            DataType::Dictionary(..) => same(array.as_any_dictionary().values())?,
            DataType::RunEndEncoded(..) => {
                let runs = array.as_any_ree_opt().ok_or("runs of an unknown type")?;
                same(runs.values())?
            }
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View if within => Way::Text,
            _ => {
                let format = ArrayFormatter::try_new(array, &OPTIONS);
                Way::Plain(format.map_err(|error| error.to_string())?)
            }
        };
        Ok(Self { array, way })
    }

    fn parts<'f>(
        parts: &'a StructArray,
        fields: impl Iterator<Item = &'f std::sync::Arc<Field>>,
        depth: usize,
    ) -> Result<Way<'a>, String> {
        let columns = parts.columns().iter().zip(fields);
        let columns = columns.map(|(column, field)| {
            let part = Self::of(column.as_ref(), depth + 1, true)?;
            Ok((field.name().clone(), part))
        });
        Ok(Way::Struct(columns.collect::<Result<_, String>>()?))
    }

    fn kinds(array: &'a dyn Array, fields: &UnionFields, depth: usize) -> Result<Way<'a>, String> {
        let union = array.as_union();
        let kinds = fields.iter().map(|(id, field)| {
            let kind = Self::of(union.child(id).as_ref(), depth + 1, true)?;
            Ok((id, field.name().clone(), kind))
        });
        Ok(Way::Union(kinds.collect::<Result<_, String>>()?))
    }

    /// Appends the value of a row, which must not be missing.
    ///
    /// # Errors
    /// If it cannot be displayed: a time of day out of range.
    pub(super) fn write(&self, row: usize, out: &mut String) -> fmt::Result {
        match &self.way {
            Way::Plain(format) => format.value(row).write(out).map_err(|_| fmt::Error),
            Way::Text => {
                out.push_str(&quoted(text_at(self.array, row))?);
                Ok(())
            }
            Way::List(shown) => {
                out.push('[');
                let (start, end) = self.ends(row);
                for at in start..end {
                    if at > start {
                        out.push_str(", ");
                    }
                    shown.write_part(at, out)?;
                }
                out.push(']');
                Ok(())
            }
            Way::Struct(parts) => {
                out.push('{');
                for (number, (name, part)) in parts.iter().enumerate() {
                    if number > 0 {
                        out.push_str(", ");
                    }
                    write!(out, "{}: ", quoted(name)?)?;
                    part.write_part(row, out)?;
                }
                out.push('}');
                Ok(())
            }
            Way::Map(pair) => {
                let [keys, values] = pair.as_ref();
                out.push('{');
                let (start, end) = self.ends(row);
                for at in start..end {
                    if at > start {
                        out.push_str(", ");
                    }
                    keys.write_part(at, out)?;
                    out.push_str(": ");
                    values.write_part(at, out)?;
                }
                out.push('}');
                Ok(())
            }
            Way::Referred(shown) => {
                let (_, at) = referred(self.array, row).ok_or(fmt::Error)?;
                shown.write(at, out)
            }
            Way::Union(kinds) => {
                let id = self.array.as_union().type_id(row);
                let kind = kinds.iter().find(|(other, ..)| *other == id);
                let (_, name, kind) = kind.ok_or(fmt::Error)?;
                let (_, at) = referred(self.array, row).ok_or(fmt::Error)?;
                write!(out, "{{{}: ", quoted(name)?)?;
                kind.write_part(at, out)?;
                out.push('}');
                Ok(())
            }
        }
    }

    fn ends(&self, row: usize) -> (usize, usize) {
        items(self.array, row).map_or((0, 0), |(_, start, end)| (start, end))
    }

    /// A nested value: null, numbers and booleans unquoted, everything else quoted.
    fn write_part(&self, row: usize, out: &mut String) -> fmt::Result {
        if is_missing(self.array, row) {
            out.push_str("null");
            return Ok(());
        }
        match &self.way {
            Way::Plain(_) if !is_bare(self.array.data_type()) => {
                let mut text = String::new();
                self.write(row, &mut text)?;
                out.push_str(&quoted(&text)?);
                Ok(())
            }
            Way::Referred(shown) => {
                let (_, at) = referred(self.array, row).ok_or(fmt::Error)?;
                shown.write_part(at, out)
            }
            _ => self.write(row, out),
        }
    }
}

impl<'a> Way<'a> {
    fn list(items: Shown<'a>) -> Self {
        Self::List(Box::new(items))
    }
}

fn quoted(text: &str) -> Result<String, fmt::Error> {
    serde_json::to_string(text).map_err(|_| fmt::Error)
}

/// Whether nested values of the type need no quotes: numbers and booleans.
fn is_bare(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Boolean | DataType::Null) || data_type.is_numeric()
}

fn text_at(texts: &dyn Array, row: usize) -> &str {
    match texts.data_type() {
        DataType::LargeUtf8 => texts.as_string::<i64>().value(row),
        DataType::Utf8View => texts.as_string_view().value(row),
        _ => texts.as_string::<i32>().value(row),
    }
}
