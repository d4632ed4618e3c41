//! Records cut so that no batch of them takes more than its bytes.

use std::collections::{HashSet, VecDeque};

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::buffer::ScalarBuffer;
use arrow::datatypes::DataType;

use crate::EngineError;
use crate::limits::Limits;

/// A value that is displayed rather than read takes about so many bytes at most.
const SHOWN: usize = 32;
/// Shorter texts are not looked for among those before them.
pub(crate) const LONG: usize = 256;

/// Cuts records into parts, each of them small enough.
pub(crate) fn cut(
    records: RecordBatch,
    names: &[String],
    limits: &Limits,
) -> Result<VecDeque<RecordBatch>, EngineError> {
    let columns: Vec<(usize, &ArrayRef)> = records
        .columns()
        .iter()
        .enumerate()
        .filter(|(_, column)| Size::of(column).is_some())
        .collect();
    let all: usize = columns.iter().map(|(_, column)| upper_bound(column)).sum();
    if all <= limits.batch {
        return Ok(VecDeque::from([records]));
    }
    let mut parts = VecDeque::new();
    let (mut start, mut bytes) = (0, 0);
    let mut seen = HashSet::new();
    for row in 0..records.num_rows() {
        let mut of_row = 0;
        for &(at, column) in &columns {
            let size = size(at, column, row, &mut seen);
            if size > limits.record {
                return Err(EngineError::CellTooLarge {
                    place: format!("a value of column {}", names[at]),
                    limit: limits.record as u64,
                });
            }
            of_row += size;
        }
        if row > start && bytes + of_row > limits.batch {
            parts.push_back(records.slice(start, row - start));
            (start, bytes) = (row, 0);
            seen.clear();
            of_row = columns
                .iter()
                .map(|&(at, column)| size(at, column, row, &mut seen))
                .sum();
        }
        bytes += of_row;
    }
    parts.push_back(records.slice(start, records.num_rows() - start));
    Ok(parts)
}

/// How a column takes different space in different rows.
#[derive(Clone, Copy)]
enum Size {
    /// Texts, which need no more space where they repeat.
    Views,
    Bytes,
    Nested,
}

impl Size {
    fn of(column: &ArrayRef) -> Option<Self> {
        match column.data_type() {
            DataType::Utf8View | DataType::BinaryView => Some(Self::Views),
            DataType::Utf8
            | DataType::LargeUtf8
            | DataType::Binary
            | DataType::LargeBinary
            | DataType::FixedSizeBinary(_) => Some(Self::Bytes),
            nested if nested.is_nested() => Some(Self::Nested),
            _ => None,
        }
    }
}

/// What a cell takes, where `seen` holds the long texts of the rows before it.
fn size(column: usize, array: &ArrayRef, row: usize, seen: &mut HashSet<(usize, u128)>) -> usize {
    if let (Some(Size::Views), Some(views)) = (Size::of(array), views(array)) {
        let view = views[row];
        let length = view_length(view);
        if length >= LONG && !seen.insert((column, view)) {
            return 0;
        }
        return length;
    }
    shown(array, row)
}

fn views(array: &ArrayRef) -> Option<&ScalarBuffer<u128>> {
    match array.data_type() {
        DataType::Utf8View => Some(array.as_string_view().views()),
        DataType::BinaryView => Some(array.as_binary_view().views()),
        _ => None,
    }
}

/// The length is the lowest part of a view.
fn view_length(view: u128) -> usize {
    view as u32 as usize
}

/// What all cells of a column take at most.
fn upper_bound(array: &ArrayRef) -> usize {
    match views(array) {
        Some(views) => views.iter().map(|&view| view_length(view)).sum(),
        None => (0..array.len()).map(|row| shown(array, row)).sum(),
    }
}

/// About what a value takes when it is displayed: not less, and not much more.
fn shown(array: &dyn Array, row: usize) -> usize {
    if array.is_null(row) {
        return 0;
    }
    let range = |values: &ArrayRef, from: usize, to: usize| -> usize {
        (from..to).map(|at| 2 + shown(values, at)).sum()
    };
    match array.data_type() {
        DataType::Utf8View => array.as_string_view().value(row).len(),
        // Two digits for a byte.
        DataType::BinaryView => 2 * array.as_binary_view().value(row).len(),
        DataType::Utf8 => array.as_string::<i32>().value(row).len(),
        DataType::LargeUtf8 => array.as_string::<i64>().value(row).len(),
        DataType::Binary => 2 * array.as_binary::<i32>().value(row).len(),
        DataType::LargeBinary => 2 * array.as_binary::<i64>().value(row).len(),
        DataType::FixedSizeBinary(width) => 2 * usize::try_from(*width).unwrap_or(0),
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let offsets = list.value_offsets();
            range(
                list.values(),
                offsets[row] as usize,
                offsets[row + 1] as usize,
            )
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            let offsets = list.value_offsets();
            range(
                list.values(),
                offsets[row] as usize,
                offsets[row + 1] as usize,
            )
        }
        DataType::FixedSizeList(_, width) => {
            let width = usize::try_from(*width).unwrap_or(0);
            let list = array.as_fixed_size_list();
            range(list.values(), row * width, (row + 1) * width)
        }
        DataType::Map(_, _) => {
            let map = array.as_map();
            let offsets = map.value_offsets();
            let (from, to) = (offsets[row] as usize, offsets[row + 1] as usize);
            (from..to).map(|at| 4 + shown(map.entries(), at)).sum()
        }
        DataType::Struct(fields) => {
            let columns = array.as_struct().columns().iter().zip(fields);
            columns
                .map(|(column, field)| field.name().len() + 4 + shown(column, row))
                .sum()
        }
        _ => SHOWN,
    }
}
