//! What the statistics of a row group already tell: columns without a value, and columns with one
//! value only. Nothing of such columns is read.

use arrow::array::{Array, ArrayRef, UInt32Array, new_null_array};
use arrow::compute::take;
use arrow::datatypes::{DataType, Field, Schema};
use parquet::arrow::arrow_reader::statistics::StatisticsConverter;
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};

/// For each column its one value in the row group (a null where it has none), as an array of
/// length 1; `None` where the cells have to be read.
pub(super) fn known(
    metadata: &ParquetMetaData,
    schema: &Schema,
    group: usize,
) -> Vec<Option<ArrayRef>> {
    let Some(rows) = metadata.row_groups().get(group) else {
        return vec![None; schema.fields().len()];
    };
    let columns = schema.fields().iter().enumerate();
    columns
        .map(|(at, field)| of_column(metadata, rows, field, leaf(metadata, at)?))
        .collect()
}

/// A column of the file that is not nested is one leaf of its schema.
fn leaf(metadata: &ParquetMetaData, column: usize) -> Option<usize> {
    let schema = metadata.file_metadata().schema_descr();
    let leaves = 0..schema.num_columns();
    let mut leaves = leaves.filter(|&leaf| schema.get_column_root_idx(leaf) == column);
    let leaf = leaves.next()?;
    let flat = leaves.next().is_none() && schema.column(leaf).max_rep_level() == 0;
    flat.then_some(leaf)
}

fn of_column(
    metadata: &ParquetMetaData,
    rows: &RowGroupMetaData,
    field: &Field,
    leaf: usize,
) -> Option<ArrayRef> {
    let statistics = rows.column(leaf).statistics()?;
    let nulls = statistics.null_count_opt()?;
    if nulls > 0 {
        let all = i64::try_from(nulls).ok()? == rows.num_rows();
        return all.then(|| new_null_array(field.data_type(), 1));
    }
    // Statistics of floats know neither NaN nor the sign of zero.
    let exact = match field.data_type() {
        DataType::Boolean | DataType::Date32 | DataType::Timestamp(_, _) => true,
        whole if whole.is_integer() => true,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => {
            statistics.min_is_exact() && statistics.max_is_exact()
        }
        _ => false,
    };
    if !exact {
        return None;
    }
    let schema = metadata.file_metadata().schema_descr();
    let converter = StatisticsConverter::from_column_index(leaf, field, schema).ok()?;
    let min = converter.row_group_mins([rows]).ok()?;
    let max = converter.row_group_maxes([rows]).ok()?;
    let one = min.null_count() == 0 && min.data_type() == field.data_type();
    (one && *min == *max).then_some(min)
}

/// The value again and again.
pub(super) fn repeated(value: &ArrayRef, rows: usize) -> Result<ArrayRef, String> {
    let first = UInt32Array::from(vec![0; rows]);
    take(value, &first, None).map_err(|error| error.to_string())
}
