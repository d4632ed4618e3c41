//! The size of values when displayed.

use arrow::array::{Array, AsArray};
use arrow::datatypes::DataType;

use super::referred::{is_missing, items, referred};

/// The approximate maximum size of a number or a word, in bytes.
const SHORT: usize = 40;
/// The same for intervals and decimals of 256 bits.
const WIDE: usize = 96;
/// The size of a separator, and of a missing value.
const BETWEEN: usize = 2;
const MISSING: usize = 4;

/// Whether values of the type are texts, or bytes shown as text.
pub(super) fn is_text(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Utf8View
            | DataType::Binary
            | DataType::LargeBinary
            | DataType::BinaryView
    )
}

/// Whether the displayed size of values of the type varies with their bytes.
pub(super) fn varies(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => varies(values),
        DataType::RunEndEncoded(_, values) => varies(values.data_type()),
        DataType::FixedSizeBinary(_) => true,
        other => is_text(other) || other.is_nested(),
    }
}

/// An upper bound for the texts of some rows, if it is known without inspecting each.
pub(super) fn extent(array: &dyn Array, start: usize, rows: usize) -> Option<usize> {
    let end = start + rows;
    let small = |bytes: i64| usize::try_from(bytes).unwrap_or(0);
    let between = |ends: &[i32]| small((ends[end] - ends[start]).into());
    let far_between = |ends: &[i64]| small(ends[end] - ends[start]);
    let digits = |bytes: usize| HEXADECIMAL.len() * rows + 2 * bytes;
    let of_views = |views: &[u128]| {
        let lengths = views[start..end].iter().map(|&view| view_length(view));
        lengths.sum::<usize>()
    };
    Some(match array.data_type() {
        DataType::Utf8 => between(array.as_string::<i32>().value_offsets()),
        DataType::LargeUtf8 => far_between(array.as_string::<i64>().value_offsets()),
        DataType::Utf8View => of_views(array.as_string_view().views()),
        DataType::Binary => digits(between(array.as_binary::<i32>().value_offsets())),
        DataType::LargeBinary => digits(far_between(array.as_binary::<i64>().value_offsets())),
        DataType::BinaryView => digits(of_views(array.as_binary_view().views())),
        DataType::FixedSizeBinary(width) => digits(rows * small((*width).into())),
        _ => return None,
    })
}

/// The bytes of a text; `None` for other types.
pub(super) fn bytes(array: &dyn Array, row: usize) -> Option<&[u8]> {
    Some(match array.data_type() {
        DataType::Utf8View => array.as_string_view().value(row).as_bytes(),
        DataType::Utf8 => array.as_string::<i32>().value(row).as_bytes(),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).as_bytes(),
        DataType::BinaryView => array.as_binary_view().value(row),
        DataType::Binary => array.as_binary::<i32>().value(row),
        DataType::LargeBinary => array.as_binary::<i64>().value(row),
        DataType::FixedSizeBinary(_) => array.as_fixed_size_binary().value(row),
        _ => return None,
    })
}

/// The prefix of the hexadecimal digits of bytes, as in PostgreSQL.
pub(super) const HEXADECIMAL: &[u8] = b"\\x";

/// Whether bytes are shown as text.
pub(super) fn is_readable(bytes: &[u8]) -> bool {
    !bytes.starts_with(HEXADECIMAL) && std::str::from_utf8(bytes).is_ok()
}

/// The size of a text as a cell; for bytes that are not text, the prefix and two digits for each.
pub(super) fn plain(array: &dyn Array, row: usize, most: usize) -> usize {
    if is_missing(array, row) {
        return 0;
    }
    if let Some((values, at)) = referred(array, row) {
        return plain(values, at, most);
    }
    let Some(text) = bytes(array, row) else {
        return 0;
    };
    let is_text = matches!(
        array.data_type(),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View
    );
    let digits = HEXADECIMAL.len() + 2 * text.len();
    // Validity is only checked if it matters.
    if is_text || (digits > most && is_readable(text)) {
        text.len()
    } else {
        digits
    }
}

/// The size of a cell.
pub(super) fn whole(array: &dyn Array, row: usize, most: usize) -> usize {
    match array.data_type() {
        _ if is_missing(array, row) => 0,
        DataType::Dictionary(..) | DataType::RunEndEncoded(..) => {
            referred(array, row).map_or(0, |(values, at)| whole(values, at, most))
        }
        DataType::FixedSizeBinary(_) => plain(array, row, most),
        other if is_text(other) => plain(array, row, most),
        _ => part(array, row, most),
    }
}

/// An upper bound for a nested value, not much more than its size. Stops beyond `most`.
fn part(array: &dyn Array, row: usize, most: usize) -> usize {
    if is_missing(array, row) {
        return MISSING;
    }
    if let Some((items, from, to)) = items(array, row) {
        let mut sum = BETWEEN;
        for at in from..to {
            sum += BETWEEN + part(items, at, most.saturating_sub(sum));
            if sum > most {
                break;
            }
        }
        return sum;
    }
    match array.data_type() {
        DataType::Struct(fields) => {
            let mut sum = BETWEEN;
            for (column, field) in array.as_struct().columns().iter().zip(fields) {
                sum += 2 * BETWEEN + quoted(field.name().as_bytes());
                sum += part(column, row, most.saturating_sub(sum));
                if sum > most {
                    break;
                }
            }
            sum
        }
        DataType::Union(fields, _) => {
            let id = array.as_union().type_id(row);
            let field = fields.iter().find(|(other, _)| *other == id);
            let name = field.map_or(0, |(_, field)| quoted(field.name().as_bytes()));
            let value = referred(array, row);
            name + 2 * BETWEEN + value.map_or(MISSING, |(values, at)| part(values, at, most))
        }
        DataType::Dictionary(..) | DataType::RunEndEncoded(..) => {
            referred(array, row).map_or(MISSING, |(values, at)| part(values, at, most))
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            bytes(array, row).map_or(0, quoted)
        }
        DataType::Interval(_) | DataType::Decimal256(..) => WIDE,
        _ => bytes(array, row).map_or(SHORT, |bytes| BETWEEN + 2 * bytes.len()),
    }
}

/// The size of a text as a JSON string.
fn quoted(text: &[u8]) -> usize {
    let escaped = text.iter().map(|byte| match byte {
        b'"' | b'\\' => 2,
        0..0x20 => 6,
        _ => 1,
    });
    BETWEEN + escaped.sum::<usize>()
}

/// The length in a view: its lowest bits.
pub(crate) fn view_length(view: u128) -> usize {
    view as u32 as usize
}

/// The view of a text: equal views refer to the same text.
pub(super) fn view(array: &dyn Array, row: usize) -> Option<u128> {
    match array.data_type() {
        DataType::Utf8View => Some(array.as_string_view().views()[row]),
        DataType::BinaryView => Some(array.as_binary_view().views()[row]),
        _ => None,
    }
}
