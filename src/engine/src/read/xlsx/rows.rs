//! The rows of a sheet, the first one being the header.

use std::collections::BTreeMap;
use std::io::Write;

use calamine::DataRef;
use lastcall_domain::profile::Warning;
use serde_json::Value;

use super::cell::{Cell, Dates};
use crate::EngineError;
use crate::read::dataset::MAX_COLUMNS;
use crate::read::header;
use crate::schema::out_of_range;

/// The columns of a sheet that was read.
#[derive(Default)]
pub(super) struct Header {
    /// What the rows call them.
    pub(super) keys: Vec<String>,
    pub(super) names: Vec<String>,
    pub(super) warnings: Vec<Warning>,
}

/// Rows as they come, the header first.
pub(super) struct SheetRows {
    dates: Dates,
    /// The bytes that a row may have.
    largest: usize,
    number: Option<u32>,
    /// The cells of the row so far, and about how many bytes they have.
    cells: BTreeMap<u32, Value>,
    bytes: usize,
    /// Below each column that has a cell, what the header says; nothing before the header.
    columns: BTreeMap<u32, String>,
    /// Dates of each column that are none.
    impossible: BTreeMap<u32, u64>,
}

impl SheetRows {
    pub(super) fn new(largest: usize, dates: Dates) -> Self {
        Self {
            dates,
            largest,
            number: None,
            cells: BTreeMap::new(),
            bytes: 0,
            columns: BTreeMap::new(),
            impossible: BTreeMap::new(),
        }
    }

    /// Takes the next cell; writes the row before it where it begins another.
    pub(super) fn add(
        &mut self,
        (row, column): (u32, u32),
        cell: &DataRef<'_>,
        out: &mut impl Write,
    ) -> Result<(), EngineError> {
        if self.number != Some(row) {
            self.end_row(out)?;
            self.number = Some(row);
        }
        let value = match self.dates.json(cell) {
            Cell::Empty => return Ok(()),
            Cell::Value(value) => value,
            Cell::Impossible => {
                *self.impossible.entry(column).or_default() += 1;
                Value::Null
            }
        };
        self.bytes += value.as_str().map_or(8, str::len);
        if self.bytes > self.largest {
            return Err(row_too_large(row, self.largest));
        }
        self.cells.insert(column, value);
        if self.cells.len() > MAX_COLUMNS {
            return Err(too_many());
        }
        Ok(())
    }

    fn end_row(&mut self, out: &mut impl Write) -> Result<(), EngineError> {
        let cells = std::mem::take(&mut self.cells);
        self.bytes = 0;
        let (Some(&first), Some(&last)) = (cells.keys().next(), cells.keys().next_back()) else {
            return Ok(());
        };
        if self.columns.is_empty() {
            if (last - first) as usize >= MAX_COLUMNS {
                return Err(too_many());
            }
            let text = |column| match cells.get(&column) {
                Some(Value::String(text)) => text.clone(),
                Some(Value::Null) | None => String::new(),
                Some(other) => other.to_string(),
            };
            self.columns = (first..=last).map(|at| (at, text(at))).collect();
            return Ok(());
        }
        for &column in cells.keys() {
            self.columns.entry(column).or_default();
        }
        if self.columns.len() > MAX_COLUMNS {
            return Err(too_many());
        }
        let cells = cells.into_iter();
        let row: serde_json::Map<String, Value> = cells
            .map(|(column, value)| (column.to_string(), value))
            .collect();
        serde_json::to_writer(&mut *out, &row).map_err(std::io::Error::from)?;
        out.write_all(b"\n")?;
        Ok(())
    }

    /// Writes the last row, and names the columns now that all of them are known.
    pub(super) fn finish(mut self, out: &mut impl Write) -> Result<Header, EngineError> {
        self.end_row(out)?;
        let keys = self.columns.keys().map(u32::to_string).collect();
        let given: Vec<Vec<u8>> = self
            .columns
            .values()
            .map(|name| name.clone().into_bytes())
            .collect();
        let (names, mut warnings) = header::names(&given);
        let impossible = self
            .columns
            .keys()
            .zip(&names)
            .filter_map(|(column, name)| {
                let count = self.impossible.get(column)?;
                Some((name.as_str(), *count))
            });
        warnings.extend(out_of_range(impossible).as_ref().map(Warning::from));
        Ok(Header {
            keys,
            names,
            warnings,
        })
    }
}

pub(super) fn row_too_large(row: u32, limit: usize) -> EngineError {
    EngineError::CellTooLarge {
        place: format!("row {} of the sheet", u64::from(row) + 1),
        limit: limit as u64,
    }
}

pub(super) fn too_many() -> EngineError {
    EngineError::TooManyColumns {
        limit: MAX_COLUMNS as u64,
    }
}
