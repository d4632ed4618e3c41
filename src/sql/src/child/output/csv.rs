//! RFC 4180 with a header. A missing value is an empty cell; nested values are JSON.

use std::io::Write;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use csv::Writer;
use datafusion::error::{DataFusionError, Result};

use super::Sink;
use super::cell::{Cell, cell};
use super::json;
use crate::protocol::Done;
use lastcall_child::guest::Output;

pub(super) struct Csv {
    writer: Writer<Output>,
}

impl Csv {
    pub(super) fn new(schema: &SchemaRef, output: Output) -> Result<Self> {
        let mut writer = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(output);
        writer
            .write_record(schema.fields().iter().map(|field| field.name()))
            .map_err(failed)?;
        Ok(Self { writer })
    }
}

impl Sink for Csv {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        for row in 0..batch.num_rows() {
            for column in batch.columns() {
                match cell(column, row)? {
                    Cell::Null => self.writer.write_field(""),
                    Cell::Boolean(value) => {
                        self.writer
                            .write_field(if value { "true" } else { "false" })
                    }
                    Cell::Number(digits) => self.writer.write_field(digits),
                    Cell::Float(value) if value.is_finite() => self
                        .writer
                        .write_field(serde_json::to_vec(&value).unwrap_or_default()),
                    Cell::Float(value) => self.writer.write_field(json::not_finite(value)),
                    Cell::Text(text) => self.writer.write_field(text.as_bytes()),
                    Cell::List(_) | Cell::Struct(_) | Cell::Map(_) => {
                        let mut text = Vec::new();
                        json::write(&mut text, column, row)?;
                        self.writer.write_field(text)
                    }
                }
                .map_err(failed)?;
            }
            self.writer.write_record(None::<&[u8]>).map_err(failed)?;
        }
        Ok(())
    }

    fn finish(self: Box<Self>, _: Done) -> Result<()> {
        let mut output = self
            .writer
            .into_inner()
            .map_err(|error| error.into_error())?;
        Ok(output.flush()?)
    }
}

fn failed(error: csv::Error) -> DataFusionError {
    DataFusionError::IoError(error.into())
}
