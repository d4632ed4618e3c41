//! `{columns [{name, type}], rows [[…]], row_count, truncated}`.

use std::io::Write;

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::SchemaRef;
use datafusion::error::{DataFusionError, Result};
use lastcall_domain::SqlColumn;

use super::cell::{Cell, cell};
use super::{Sink, types};
use crate::protocol::Done;
use lastcall_child::guest::Output;

pub(super) struct Json {
    output: Output,
    /// Whether a row has been written, so that the next one needs a comma.
    begun: bool,
}

impl Json {
    pub(super) fn new(schema: &SchemaRef, mut output: Output) -> Result<Self> {
        let columns: Vec<_> = schema
            .fields()
            .iter()
            .map(|field| SqlColumn {
                name: field.name().clone(),
                kind: types::name(field.data_type()).into(),
            })
            .collect();
        output.write_all(b"{\"columns\":")?;
        to_json(&mut output, &columns)?;
        output.write_all(b",\"rows\":[")?;
        Ok(Self {
            output,
            begun: false,
        })
    }
}

impl Sink for Json {
    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        for row in 0..batch.num_rows() {
            let open: &[u8] = if self.begun { b",\n[" } else { b"\n[" };
            self.begun = true;
            self.output.write_all(open)?;
            for (index, column) in batch.columns().iter().enumerate() {
                if index > 0 {
                    self.output.write_all(b",")?;
                }
                write(&mut self.output, column, row)?;
            }
            self.output.write_all(b"]")?;
        }
        Ok(())
    }

    fn finish(
        mut self: Box<Self>,
        Done {
            row_count,
            truncated,
        }: Done,
    ) -> Result<()> {
        writeln!(
            self.output,
            "\n],\"row_count\":{row_count},\"truncated\":{truncated}}}"
        )?;
        Ok(self.output.flush()?)
    }
}

/// Infinities and NaN, as in the JSON of PostgreSQL and protocol buffers.
pub(super) fn not_finite(value: f64) -> &'static str {
    if value.is_nan() {
        "NaN"
    } else if value > 0.0 {
        "Infinity"
    } else {
        "-Infinity"
    }
}

/// Writes one cell as JSON.
pub(super) fn write(output: &mut dyn Write, column: &dyn Array, row: usize) -> Result<()> {
    match cell(column, row)? {
        Cell::Null => output.write_all(b"null")?,
        Cell::Boolean(value) => write!(output, "{value}")?,
        Cell::Number(digits) => output.write_all(digits.as_bytes())?,
        Cell::Float(value) if value.is_finite() => to_json(output, &value)?,
        Cell::Float(value) => to_json(output, &not_finite(value))?,
        Cell::Text(text) => to_json(output, &text)?,
        Cell::List(items) => {
            output.write_all(b"[")?;
            for index in 0..items.len() {
                separate(output, index)?;
                write(output, &items, index)?;
            }
            output.write_all(b"]")?;
        }
        Cell::Struct(fields) => {
            output.write_all(b"{")?;
            for (index, (name, column)) in fields
                .column_names()
                .into_iter()
                .zip(fields.columns())
                .enumerate()
            {
                separate(output, index)?;
                to_json(output, &name)?;
                output.write_all(b":")?;
                write(output, column, row)?;
            }
            output.write_all(b"}")?;
        }
        // An array of pairs, as keys need not be text and may repeat.
        Cell::Map(entries) => {
            output.write_all(b"[")?;
            for index in 0..entries.len() {
                separate(output, index)?;
                output.write_all(b"[")?;
                write(output, entries.column(0), index)?;
                output.write_all(b",")?;
                write(output, entries.column(1), index)?;
                output.write_all(b"]")?;
            }
            output.write_all(b"]")?;
        }
    }
    Ok(())
}

fn separate(output: &mut dyn Write, index: usize) -> Result<()> {
    if index > 0 {
        output.write_all(b",")?;
    }
    Ok(())
}

fn to_json(output: &mut dyn Write, value: &impl serde::Serialize) -> Result<()> {
    serde_json::to_writer(output, value).map_err(|error| DataFusionError::IoError(error.into()))
}
