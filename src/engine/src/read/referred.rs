//! Arrays that refer to values of other arrays: dictionaries, runs and unions.

use arrow::array::{Array, AsArray, downcast_dictionary_array, downcast_run_array};
use arrow::datatypes::DataType;

/// The array with the value of a row, and the index in it; `None` if the row has no value, or the
/// array has its values itself.
pub(super) fn referred(array: &dyn Array, row: usize) -> Option<(&dyn Array, usize)> {
    match array.data_type() {
        DataType::Dictionary(..) => downcast_dictionary_array!(
            array => array.key(row).map(|at| (array.values().as_ref(), at)),
            _ => None
        ),
        DataType::RunEndEncoded(..) => downcast_run_array!(
            array => Some((array.values().as_ref(), array.get_physical_index(row))),
            _ => None
        ),
        DataType::Union(..) => {
            let union = array.as_union();
            let child = union.child(union.type_id(row)).as_ref();
            Some((child, union.value_offset(row)))
        }
        _ => None,
    }
}

/// Whether the row or the value that it refers to is missing.
pub(super) fn is_missing(array: &dyn Array, row: usize) -> bool {
    match array.data_type() {
        DataType::Null => true,
        DataType::Dictionary(..) | DataType::RunEndEncoded(..) | DataType::Union(..) => {
            referred(array, row).is_none_or(|(values, at)| is_missing(values, at))
        }
        _ => array.is_null(row),
    }
}

/// The items of a list array, and the range of a row's items.
pub(super) fn items(array: &dyn Array, row: usize) -> Option<(&dyn Array, usize, usize)> {
    fn between(items: &dyn Array, from: i64, to: i64) -> Option<(&dyn Array, usize, usize)> {
        let at = |offset: i64| usize::try_from(offset).unwrap_or(0);
        Some((items, at(from), at(to)))
    }
    match array.data_type() {
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            let ends = list.value_offsets();
            between(
                list.values().as_ref(),
                ends[row].into(),
                ends[row + 1].into(),
            )
        }
        DataType::LargeList(_) => {
            let list = array.as_list::<i64>();
            let ends = list.value_offsets();
            between(list.values().as_ref(), ends[row], ends[row + 1])
        }
        DataType::ListView(_) => {
            let list = array.as_list_view::<i32>();
            let from = i64::from(list.value_offset(row));
            let size = i64::from(list.value_size(row));
            between(list.values().as_ref(), from, from + size)
        }
        DataType::LargeListView(_) => {
            let list = array.as_list_view::<i64>();
            let from = list.value_offset(row);
            let to = from.saturating_add(list.value_size(row));
            between(list.values().as_ref(), from, to)
        }
        DataType::FixedSizeList(_, width) => {
            let width = usize::try_from(*width).unwrap_or(0);
            let list = array.as_fixed_size_list();
            Some((list.values().as_ref(), row * width, (row + 1) * width))
        }
        DataType::Map(..) => {
            let map = array.as_map();
            let ends = map.value_offsets();
            between(map.entries(), ends[row].into(), ends[row + 1].into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{
        ArrayRef, DictionaryArray, Int32Array, NullArray, RunArray, StringArray, UnionArray,
    };
    use arrow::buffer::ScalarBuffer;
    use arrow::datatypes::{Field, UnionFields};

    use super::*;

    #[test]
    fn what_refers_to_a_missing_value_is_missing() {
        let words: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None]));
        let keys = Int32Array::from(vec![Some(0), Some(1), None]);
        let dictionary = DictionaryArray::new(keys, Arc::clone(&words));
        let runs = RunArray::try_new(&Int32Array::from(vec![2, 3]), &words);
        let fields = [(0, Arc::new(Field::new("w", DataType::Utf8, true)))];
        let union = UnionArray::try_new(
            fields.into_iter().collect::<UnionFields>(),
            ScalarBuffer::from(vec![0, 0]),
            None,
            vec![words],
        );
        let missing = |array: &dyn Array| -> Vec<bool> {
            (0..array.len()).map(|row| is_missing(array, row)).collect()
        };
        assert_eq!(missing(&dictionary), [false, true, true]);
        assert_eq!(
            runs.map(|runs| missing(&runs)).ok(),
            Some(vec![false, false, true])
        );
        assert_eq!(
            union.map(|union| missing(&union)).ok(),
            Some(vec![false, true])
        );
        assert_eq!(missing(&NullArray::new(2)), [true, true]);
    }
}
