//! The columns of a file.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields, Schema, TimeUnit};
use parquet::arrow::{FieldLevels, ProjectionMask, parquet_to_arrow_field_levels};
use parquet::basic::Type as Physical;
use parquet::errors::Result;
use parquet::schema::types::{SchemaDescriptor, Type};

/// The types of the file's columns, in order; `None` for a group without leaves, which has no
/// values.
pub(super) fn columns(file: &SchemaDescriptor, read: &Schema) -> Vec<Option<DataType>> {
    let roots = file.root_schema().get_fields();
    let mut types = read.fields().iter().map(|field| field.data_type().clone());
    roots
        .iter()
        .map(|root| has_leaf(root).then(|| types.next()).flatten())
        .collect()
}

fn has_leaf(root: &Type) -> bool {
    root.is_primitive() || root.get_fields().iter().any(|field| has_leaf(field))
}

/// How to read the columns: texts as views of their pages, so that dictionary entries are in memory
/// once; Impala timestamps in microseconds, as nanoseconds end in the year 2262.
pub(super) fn levels(file: &SchemaDescriptor, read: &Schema) -> Result<FieldLevels> {
    let roots = file.root_schema().get_fields();
    let mut fields = read.fields().iter();
    let hints: Fields = roots
        .iter()
        .filter_map(|root| {
            if !has_leaf(root) {
                return Some(Field::new(root.name(), mirrored(root), true));
            }
            let field = fields.next()?;
            let is_impala = root.is_primitive() && root.get_physical_type() == Physical::INT96;
            let data_type = match field.data_type() {
                DataType::Timestamp(_, zone) if is_impala => {
                    DataType::Timestamp(TimeUnit::Microsecond, zone.clone())
                }
                other => viewed(other),
            };
            Some(Field::new(root.name(), data_type, field.is_nullable()))
        })
        .collect();
    parquet_to_arrow_field_levels(file, ProjectionMask::all(), Some(&hints))
        // The library does not support hints for a struct with an empty group.
        .or_else(|_| parquet_to_arrow_field_levels(file, ProjectionMask::all(), None))
}

fn mirrored(group: &Type) -> DataType {
    let fields = group.get_fields().iter();
    let fields = fields.map(|field| Field::new(field.name(), mirrored(field), true));
    DataType::Struct(fields.collect())
}

fn viewed(data_type: &DataType) -> DataType {
    let inner = |field: &Arc<Field>| {
        let viewed = field.as_ref().clone();
        Arc::new(viewed.with_data_type(self::viewed(field.data_type())))
    };
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 => DataType::Utf8View,
        DataType::Binary | DataType::LargeBinary => DataType::BinaryView,
        DataType::Dictionary(_, value) => viewed(value),
        DataType::List(field) => DataType::List(inner(field)),
        DataType::LargeList(field) => DataType::LargeList(inner(field)),
        DataType::FixedSizeList(field, size) => DataType::FixedSizeList(inner(field), *size),
        DataType::Map(field, sorted) => DataType::Map(inner(field), *sorted),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(inner).collect()),
        other => other.clone(),
    }
}

/// The bytes of a row's fixed-length values, in all columns together.
pub(super) fn fixed_bytes(file: &SchemaDescriptor) -> usize {
    let columns = file.columns().iter();
    let bytes = columns.map(|column| match column.physical_type() {
        Physical::FIXED_LEN_BYTE_ARRAY => usize::try_from(column.type_length()).unwrap_or(0),
        _ => 0,
    });
    bytes.fold(0, usize::saturating_add)
}
