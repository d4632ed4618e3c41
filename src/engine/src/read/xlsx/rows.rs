//! The rows of a sheet; the first one below the titles is the header.

use std::collections::BTreeMap;
use std::io::Write;

use calamine::DataRef;
use lastcall_domain::profile::Warning;
use serde_json::Value;

use super::cell::{Cell, Dates};
use super::titles::{self, Cells};
use crate::EngineError;
use crate::read::dataset::MAX_COLUMNS;
use crate::read::header;
use crate::schema::out_of_range;

/// The approximate overhead of a held cell beyond its text, in bytes.
const CELL: usize = 64;

/// The columns of a sheet that was read.
#[derive(Default)]
pub(super) struct Header {
    /// The keys of the columns in the rows.
    pub(super) keys: Vec<String>,
    pub(super) names: Vec<String>,
    pub(super) warnings: Vec<Warning>,
    /// The number of skipped rows above it.
    pub(super) skipped: u64,
    /// The name of the sheet.
    pub(super) sheet: String,
}

/// Writes the rows of a sheet, the header first.
pub(super) struct SheetRows {
    dates: Dates,
    /// The largest row, in bytes.
    largest: usize,
    number: Option<u32>,
    /// The cells of the current row, and their approximate size in bytes.
    cells: Cells,
    bytes: usize,
    /// How many rows of the sheet to skip; `None` to detect titles.
    skip: Option<u64>,
    /// The first rows, until the titles among them are known, and their approximate size in bytes.
    held: Vec<(u32, Cells)>,
    held_bytes: usize,
    /// The number of skipped rows, and whether they are titles.
    skipped: u64,
    has_titles: bool,
    /// The header of each column with cells; empty before the header is read.
    columns: BTreeMap<u32, String>,
    /// The number of invalid dates of each column.
    impossible: BTreeMap<u32, u64>,
    /// The number of formulas without a value.
    uncomputed: u64,
}

impl SheetRows {
    pub(super) fn new(largest: usize, dates: Dates) -> Self {
        Self {
            dates,
            largest,
            number: None,
            cells: Cells::new(),
            bytes: 0,
            skip: None,
            held: Vec::new(),
            held_bytes: 0,
            skipped: 0,
            has_titles: false,
            columns: BTreeMap::new(),
            impossible: BTreeMap::new(),
            uncomputed: 0,
        }
    }

    /// Skips the given number of rows; the next one is the header.
    pub(super) fn skipping(self, rows: Option<u64>) -> Self {
        Self {
            skip: rows,
            skipped: rows.unwrap_or(0),
            ..self
        }
    }

    /// Counts a formula whose value is not in the file.
    pub(super) fn add_uncomputed(&mut self, row: u32) {
        let skipped = self.skip.is_some_and(|skip| u64::from(row) < skip);
        self.uncomputed += u64::from(!skipped);
    }

    /// Adds the next cell; writes the previous row if the cell begins another.
    pub(super) fn add(
        &mut self,
        (row, column): (u32, u32),
        cell: &DataRef<'_>,
        out: &mut impl Write,
    ) -> Result<(), EngineError> {
        if self.skip.is_some_and(|skip| u64::from(row) < skip) {
            return Ok(());
        }
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
        let bytes = std::mem::take(&mut self.bytes);
        if cells.is_empty() {
            return Ok(());
        }
        let seeks_titles = self.columns.is_empty() && self.skip.is_none();
        if seeks_titles && (!self.held.is_empty() || titles::may_be_title(&cells)) {
            self.held_bytes += bytes + CELL * cells.len();
            self.held.push((self.number.unwrap_or(0), cells));
            if self.held.len() == titles::ROWS || self.held_bytes > self.largest {
                self.write_held(out)?;
            }
            return Ok(());
        }
        self.write(cells, out)
    }

    /// Separates titles from the table, and writes the held rows of the table.
    fn write_held(&mut self, out: &mut impl Write) -> Result<(), EngineError> {
        let (numbers, rows): (Vec<u32>, Vec<Cells>) =
            std::mem::take(&mut self.held).into_iter().unzip();
        let titles = titles::titles(&rows);
        if let Some(&header) = numbers.get(titles).filter(|_| titles > 0) {
            self.skipped = header.into();
            self.has_titles = true;
        }
        let mut table = rows.into_iter().skip(titles);
        table.try_for_each(|row| self.write(row, out))
    }

    /// Writes a row as JSON; the first is the header.
    fn write(&mut self, cells: Cells, out: &mut impl Write) -> Result<(), EngineError> {
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

    /// Writes the last row, and names the columns, which are now all known.
    pub(super) fn finish(
        mut self,
        sheet: &str,
        out: &mut impl Write,
    ) -> Result<Header, EngineError> {
        self.end_row(out)?;
        self.write_held(out)?;
        let keys = self.columns.keys().map(u32::to_string).collect();
        let given: Vec<Vec<u8>> = self
            .columns
            .values()
            .map(|name| name.clone().into_bytes())
            .collect();
        let (names, of_names) = header::bounded(&given)?;
        let mut warnings: Vec<Warning> = self.titles().into_iter().chain(of_names).collect();
        let impossible = self
            .columns
            .keys()
            .zip(&names)
            .filter_map(|(column, name)| {
                let count = self.impossible.get(column)?;
                Some((name.as_str(), *count))
            });
        warnings.extend(out_of_range(impossible).as_ref().map(Warning::from));
        warnings.extend((self.uncomputed > 0).then(|| Warning {
            code: "formulas_without_values".into(),
            detail: format!(
                "formulas whose values are not in the file count as missing: {}; a program that \
                 computes them adds their values when it saves the workbook",
                self.uncomputed
            ),
            count: self.uncomputed,
        }));
        Ok(Header {
            keys,
            names,
            warnings,
            skipped: self.skipped,
            sheet: sheet.to_owned(),
        })
    }

    /// The warning about skipped titles.
    fn titles(&self) -> Option<Warning> {
        let rows = match self.skipped {
            1 => "1 row".to_owned(),
            rows => format!("{rows} rows"),
        };
        self.has_titles.then(|| Warning {
            code: "skipped_lines".into(),
            detail: format!("{rows} above the table left out; `skip_rows=0` reads them"),
            count: self.skipped,
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
