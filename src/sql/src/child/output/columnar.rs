//! Parquet and Arrow IPC.
//!
//! The engine's compact types (string views, dictionaries) are written as plain types that every
//! reader supports; types that Parquet lacks are written as the nearest one.

use std::collections::HashSet;
use std::io::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef, TimeUnit};
use arrow::ipc::writer::StreamWriter;
use datafusion::error::Result;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::Sink;
use super::cell::{Cell, cell};
use crate::protocol::Done;
use lastcall_child::guest::Output;

/// Apache Parquet, compressed with Snappy, which all readers support.
pub(super) struct Parquet {
    schema: SchemaRef,
    writer: ArrowWriter<Output>,
}

impl Parquet {
    pub(super) fn new(schema: &SchemaRef, output: Output) -> Result<Self> {
        let schema = plain(schema, parquet_type);
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .build();
        let writer = ArrowWriter::try_new(output, schema.clone(), Some(properties))?;
        Ok(Self { schema, writer })
    }
}

impl Sink for Parquet {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        Ok(self.writer.write(&convert(batch, &self.schema)?)?)
    }

    fn finish(self: Box<Self>, _: Done) -> Result<()> {
        Ok(self.writer.into_inner()?.flush()?)
    }
}

/// The streaming format of Arrow IPC.
pub(super) struct Ipc {
    schema: SchemaRef,
    writer: StreamWriter<Output>,
}

impl Ipc {
    pub(super) fn new(schema: &SchemaRef, output: Output) -> Result<Self> {
        let schema = plain(schema, plain_type);
        let writer = StreamWriter::try_new(output, &schema)?;
        Ok(Self { schema, writer })
    }
}

impl Sink for Ipc {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        Ok(self.writer.write(&convert(batch, &self.schema)?)?)
    }

    fn finish(self: Box<Self>, _: Done) -> Result<()> {
        Ok(self.writer.into_inner()?.flush()?)
    }
}

/// The schema with converted types and unique names: readers find columns by name.
fn plain(schema: &Schema, other_type: fn(&DataType) -> DataType) -> SchemaRef {
    let mut taken = HashSet::new();
    let fields = schema.fields().iter().map(|field| {
        let mut name = field.name().clone();
        let mut count = 1;
        while !taken.insert(name.clone()) {
            count += 1;
            name = format!("{}_{count}", field.name());
        }
        Field::new(name, other_type(field.data_type()), field.is_nullable())
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The plain type of an engine type.
fn plain_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::Dictionary(_, value) => plain_type(value),
        other => inside(other, plain_type),
    }
}

/// The type in Parquet: for others, readers would only get plain numbers.
fn parquet_type(data_type: &DataType) -> DataType {
    match plain_type(data_type) {
        DataType::Date64 => DataType::Date32,
        DataType::Timestamp(TimeUnit::Second, zone) => {
            DataType::Timestamp(TimeUnit::Millisecond, zone)
        }
        DataType::Interval(_) => DataType::Utf8,
        other => inside(&other, parquet_type),
    }
}

/// Converts the types nested in a type.
fn inside(data_type: &DataType, other_type: fn(&DataType) -> DataType) -> DataType {
    let nested = |field: &FieldRef| {
        let data_type = other_type(field.data_type());
        Arc::new(field.as_ref().clone().with_data_type(data_type))
    };
    match data_type {
        DataType::List(item) => DataType::List(nested(item)),
        DataType::LargeList(item) => DataType::LargeList(nested(item)),
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(nested(item), *size),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(nested).collect()),
        DataType::Map(entries, sorted) => DataType::Map(nested(entries), *sorted),
        other => other.clone(),
    }
}

fn convert(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| match column.data_type() {
            DataType::Interval(_) if *field.data_type() == DataType::Utf8 => intervals(column),
            _ => Ok(cast(column, field.data_type())?),
        })
        .collect::<Result<Vec<_>>>()?;
    let rows = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        schema.clone(),
        columns,
        &rows,
    )?)
}

/// Intervals as text, like in JSON and CSV.
fn intervals(column: &dyn Array) -> Result<ArrayRef> {
    let texts = (0..column.len()).map(|row| {
        Ok(match cell(column, row)? {
            Cell::Text(text) => Some(text.into_owned()),
            _ => None,
        })
    });
    Ok(Arc::new(texts.collect::<Result<StringArray>>()?))
}
