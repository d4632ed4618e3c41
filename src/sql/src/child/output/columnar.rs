//! Parquet and Arrow IPC.
//!
//! The engine's own compact types (string views, dictionaries) are written as the plain types that
//! every reader knows.

use std::collections::HashSet;
use std::io::Write;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::ipc::writer::StreamWriter;
use datafusion::error::Result;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::Sink;
use crate::child::wire::Output;
use crate::protocol::Done;

/// Apache Parquet, compressed with Snappy, which all readers have.
pub(super) struct Parquet {
    schema: SchemaRef,
    writer: ArrowWriter<Output>,
}

impl Parquet {
    pub(super) fn new(schema: &SchemaRef, output: Output) -> Result<Self> {
        let schema = plain(schema);
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
        let schema = plain(schema);
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

/// The schema with plain types, and with names that do not repeat: readers find columns by name.
fn plain(schema: &Schema) -> SchemaRef {
    let mut taken = HashSet::new();
    let fields = schema.fields().iter().map(|field| {
        let data_type = match field.data_type() {
            DataType::Utf8View => DataType::Utf8,
            DataType::BinaryView => DataType::Binary,
            DataType::Dictionary(_, value) => value.as_ref().clone(),
            other => other.clone(),
        };
        let mut name = field.name().clone();
        let mut count = 1;
        while !taken.insert(name.clone()) {
            count += 1;
            name = format!("{}_{count}", field.name());
        }
        Field::new(name, data_type, field.is_nullable())
    });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

fn convert(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| cast(column, field.data_type()))
        .collect::<Result<Vec<_>, _>>()?;
    let rows = arrow::array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(
        schema.clone(),
        columns,
        &rows,
    )?)
}
