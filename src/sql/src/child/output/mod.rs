//! The result in each format.

mod cell;
mod columnar;
mod csv;
mod interval;
mod json;
mod types;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::error::Result;

use cell::{Cell, cell};

use crate::protocol::Done;
use crate::result::ResultFormat;
use lastcall_child::guest::Output;

/// Writes the rows of a result.
pub(super) trait Sink {
    /// Writes rows.
    fn write(&mut self, batch: &RecordBatch) -> Result<()>;
    /// Writes the end of the result, and flushes.
    fn finish(self: Box<Self>, done: Done) -> Result<()>;
}

/// The name of a type.
pub(super) fn type_name(data_type: &DataType) -> &'static str {
    types::name(data_type)
}

/// The text of a cell that is not nested, as in CSV.
pub(super) fn text(column: &dyn Array, row: usize) -> Result<Option<String>> {
    Ok(match cell(column, row)? {
        Cell::Boolean(value) => Some(value.to_string()),
        Cell::Number(digits) => Some(digits),
        Cell::Float(value) if value.is_finite() => serde_json::to_string(&value).ok(),
        Cell::Float(value) => Some(json::not_finite(value).to_owned()),
        Cell::Text(text) => Some(text.into_owned()),
        Cell::Null | Cell::List(_) | Cell::Struct(_) | Cell::Map(_) => None,
    })
}

/// A sink for a format. Writes the header at once.
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
