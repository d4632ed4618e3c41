//! The answer in each of its formats.

mod cell;
mod columnar;
mod csv;
mod interval;
mod json;
mod types;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::error::Result;

use super::wire::Output;
use crate::answer::ResultFormat;
use crate::protocol::Done;

/// Takes the rows of an answer.
pub(super) trait Sink {
    /// Writes rows.
    fn write(&mut self, batch: &RecordBatch) -> Result<()>;
    /// Writes what comes after the last row, and flushes.
    fn finish(self: Box<Self>, done: Done) -> Result<()>;
}

/// A sink for a format. What comes before the first row is written at once.
pub(super) fn sink(
    format: ResultFormat,
    schema: &SchemaRef,
    output: Output,
) -> Result<Box<dyn Sink>> {
    Ok(match format {
        ResultFormat::Json => Box::new(json::Json::new(schema, output)?),
        ResultFormat::Csv => Box::new(csv::Csv::new(schema, output)?),
        ResultFormat::Parquet => Box::new(columnar::Parquet::new(schema, output)?),
        ResultFormat::Arrow => Box::new(columnar::Ipc::new(schema, output)?),
    })
}
