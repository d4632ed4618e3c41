//! Excel workbooks, one sheet per dataset.
//!
//! The sheet is written to a temporary file as NDJSON, row by row, and read from there: a sheet
//! cannot be read in pieces, and its rows need not fit in memory. The first row that is not empty
//! is the header.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{DataRef, ExcelDateTime, Reader, Xlsx, XlsxError};
use lastcall_domain::profile::Warning;
use lastcall_domain::{Format, InvalidOption, ReadOptions};
use serde_json::Value;
use tempfile::NamedTempFile;

use super::ndjson::Ndjson;
use super::{Chunk, Dataset, Input, Look, MAX_COLUMNS, Plan, header};
use crate::batch::Batch;
use crate::ctl::Ctl;
use crate::pipeline::Resources;
use crate::source::{too_much, unfolded_limit};
use crate::{EngineError, Source};

/// A sheet of a workbook.
pub(super) struct Sheet {
    rows: Ndjson,
    warnings: Vec<Warning>,
    /// Removed when dropped.
    _file: NamedTempFile,
}

impl Sheet {
    pub(super) fn open(
        source: &Source,
        options: &ReadOptions,
        resources: &Resources<'_>,
        ctl: Ctl<'_>,
    ) -> Result<Self, EngineError> {
        let file = source.open_seekable(resources.scratch, ctl)?;
        check_size(&file, resources.limits.columns as u64, ctl)?;
        let mut rows = NamedTempFile::new_in(resources.scratch)?;
        let writer = Bounded {
            writer: BufWriter::new(rows.as_file_mut()),
            left: unfolded_limit(source.size()?),
        };
        let copied = catch_unwind(AssertUnwindSafe(|| {
            copy(&file, options.sheet.as_deref(), writer, ctl)
        }))
        .unwrap_or_else(|_| Err(malformed("its structure contradicts itself")));
        // A reader that was stopped fails as if the file were broken.
        ctl.check()?;
        let (names, warnings) = copied.map_err(|error| match error {
            EngineError::Io(io) if io.kind() == io::ErrorKind::QuotaExceeded => too_much(),
            other => other,
        })?;
        let copied = Source::new(rows.path(), Format::Ndjson);
        Ok(Self {
            rows: Ndjson::with_names(&copied, options, &resources.limits, names)?,
            warnings,
            _file: rows,
        })
    }
}

/// A writer that fails when more is written than a file may unfold to.
struct Bounded<W> {
    writer: W,
    left: u64,
}

impl<W: Write> Write for Bounded<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let left = self.left.checked_sub(bytes.len() as u64);
        self.left = left.ok_or_else(|| io::Error::from(io::ErrorKind::QuotaExceeded))?;
        self.writer.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// A file that cannot be read any more once the analysis is cancelled, so that a library that
/// knows of no cancelling stops as well.
struct Stoppable<'a> {
    file: &'a File,
    ctl: Ctl<'a>,
}

impl Read for Stoppable<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.ctl.check().map_err(io::Error::other)?;
        self.file.read(buffer)
    }
}

impl Seek for Stoppable<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

fn malformed(detail: impl Into<String>) -> EngineError {
    EngineError::malformed("XLSX", detail)
}

fn failed(error: XlsxError) -> EngineError {
    match error {
        XlsxError::Io(error) => error.into(),
        XlsxError::Password => EngineError::Unsupported {
            detail: "the workbook is protected by a password".into(),
        },
        other => malformed(other.to_string()),
    }
}

/// Everything but the sheets themselves is held in memory: it must not unfold to more than fits.
fn check_size(file: &File, most: u64, ctl: Ctl<'_>) -> Result<(), EngineError> {
    let broken = |error: zip::result::ZipError| malformed(error.to_string());
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(broken)?;
    let mut left = most;
    let mut buffer = vec![0; 64 << 10];
    for at in 0..archive.len() {
        let Ok(mut entry) = archive.by_index(at) else {
            continue;
        };
        if entry
            .name()
            .is_ok_and(|name| name.to_ascii_lowercase().contains("worksheets/"))
        {
            continue;
        }
        loop {
            ctl.check()?;
            // What cannot be decompressed is noticed when it is needed.
            let read = entry.read(&mut buffer).unwrap_or(0) as u64;
            if read == 0 {
                break;
            }
            left = left
                .checked_sub(read)
                .ok_or_else(|| EngineError::ResourceExhausted {
                    detail: format!("the workbook's texts and styles take more than {most} bytes"),
                })?;
        }
    }
    Ok(())
}

/// Writes the rows below the header as JSON; returns the header.
fn copy(
    file: &File,
    sheet: Option<&str>,
    mut out: impl Write,
    ctl: Ctl<'_>,
) -> Result<(Vec<String>, Vec<Warning>), EngineError> {
    let file = BufReader::new(Stoppable { file, ctl });
    let mut book: Xlsx<_> = Xlsx::new(file).map_err(failed)?;
    let sheets = book.sheet_names();
    let name = match sheet {
        Some(name) => sheets
            .iter()
            .find(|sheet| *sheet == name)
            .ok_or_else(|| InvalidOption {
                option: "sheet".into(),
                detail: format!("there is no `{name}`, only `{}`", sheets.join("`, `")),
            })?,
        None => sheets.first().ok_or_else(|| malformed("it has no sheet"))?,
    };
    let mut cells = book.worksheet_cells_reader(name).map_err(failed)?;
    let mut rows = SheetRows::default();
    for number in 0u64.. {
        if number % 1024 == 0 {
            ctl.check()?;
        }
        let Some(cell) = cells.next_cell().map_err(failed)? else {
            break;
        };
        let (row, column) = cell.get_position();
        if rows.number != Some(row) {
            rows.end_row(&mut out)?;
            rows.number = Some(row);
        }
        if let Some(value) = json(cell.get_value()) {
            rows.cells.insert(column, value);
        }
    }
    rows.end_row(&mut out)?;
    out.flush()?;
    Ok((rows.names.into_values().collect(), rows.warnings))
}

/// Rows as they come, the header first.
#[derive(Default)]
struct SheetRows {
    number: Option<u32>,
    cells: BTreeMap<u32, Value>,
    /// The name of each column of the sheet; none before the header.
    names: BTreeMap<u32, String>,
    warnings: Vec<Warning>,
}

impl SheetRows {
    fn end_row(&mut self, out: &mut impl Write) -> Result<(), EngineError> {
        let cells = std::mem::take(&mut self.cells);
        let (Some(&first), Some(&last)) = (cells.keys().next(), cells.keys().next_back()) else {
            return Ok(());
        };
        if (last - first) as usize >= MAX_COLUMNS {
            return Err(EngineError::TooManyColumns {
                limit: MAX_COLUMNS as u64,
            });
        }
        if self.names.is_empty() {
            let text = |column| match cells.get(&column) {
                Some(Value::String(text)) => text.clone().into_bytes(),
                Some(other) => other.to_string().into_bytes(),
                None => Vec::new(),
            };
            let header: Vec<Vec<u8>> = (first..=last).map(text).collect();
            let (names, warnings) = header::names(&header);
            self.names = (first..=last).zip(names).collect();
            self.warnings = warnings;
            return Ok(());
        }
        let mut row = serde_json::Map::new();
        for (column, value) in cells {
            let name = self
                .names
                .entry(column)
                .or_insert_with(|| format!("Unnamed: {column}"));
            row.insert(name.clone(), value);
        }
        serde_json::to_writer(&mut *out, &row).map_err(std::io::Error::from)?;
        out.write_all(b"\n")?;
        Ok(())
    }
}

/// A cell in JSON; `None` where it is empty or an error.
fn json(cell: &DataRef<'_>) -> Option<Value> {
    Some(match cell {
        DataRef::Int(n) => (*n).into(),
        // Excel knows floats only: those without a fraction are whole numbers.
        DataRef::Float(x) if x.fract() == 0.0 && x.abs() < 9e15 => (*x as i64).into(),
        DataRef::Float(x) => Value::Number(serde_json::Number::from_f64(*x)?),
        DataRef::String(text) => text.clone().into(),
        DataRef::SharedString(text) => (*text).into(),
        DataRef::Bool(b) => (*b).into(),
        DataRef::DateTime(time) => excel_time(time).into(),
        DataRef::DateTimeIso(text) | DataRef::DurationIso(text) => text.clone().into(),
        DataRef::Error(_) | DataRef::Empty => return None,
    })
}

/// A date where there is no time of day, a time of day where there is no date, else both.
fn excel_time(time: &ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, milli) = time.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    let fraction = if milli > 0 {
        format!(".{milli:03}")
    } else {
        String::new()
    };
    let of_day = format!("{hour:02}:{minute:02}:{second:02}{fraction}");
    let value = time.as_f64();
    if time.is_duration() {
        let seconds = (value * 86_400.0).round() as i64;
        let (hours, rest) = (seconds / 3600, seconds.unsigned_abs() % 3600);
        format!("{hours:02}:{:02}:{:02}", rest / 60, rest % 60)
    } else if (0.0..1.0).contains(&value) {
        of_day
    } else if value.fract() == 0.0 {
        date
    } else {
        format!("{date}T{of_day}")
    }
}

impl Dataset for Sheet {
    fn first_look(&self) -> Vec<Look> {
        self.rows.first_look()
    }

    fn open(&self) -> Result<Box<dyn Input>, EngineError> {
        self.rows.open()
    }

    fn parse(&self, chunk: Chunk, plan: &Plan) -> Result<Batch, EngineError> {
        self.rows.parse(chunk, plan)
    }

    fn warnings(&self) -> Vec<Warning> {
        self.warnings.clone()
    }
}
