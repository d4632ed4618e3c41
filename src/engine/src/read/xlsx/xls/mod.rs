//! Workbooks of Excel 5 to 2003, read record by record: a sheet is not held in memory, and declared
//! sizes are not allocated.
//!
//! The constants have the names of Microsoft's specification [MS-XLS], "Excel Binary File Format".
//! The crate cfb reads the compound file around the records.

mod cells;
mod container;
mod formats;
mod globals;
mod records;
mod texts;

use std::fs::File;
use std::io::{Read, Seek, Write};

use self::globals::Globals;
use self::records::Records;
use super::cell::Dates;
use super::kind::protected;
use super::rows::{Header, SheetRows};
use super::sheet_names::SheetNames;
use crate::EngineError;
use crate::job::JobContext;
use crate::limits::Limits;

/// The streams with the records: since Excel 97, and before.
const STREAMS: [&str; 2] = ["/Workbook", "/Book"];
/// The stream of a newer workbook with a password.
const ENCRYPTED: &str = "/EncryptedPackage";

fn malformed(detail: impl Into<String>) -> EngineError {
    EngineError::malformed("XLS", detail)
}

fn reading(error: std::io::Error) -> EngineError {
    EngineError::reading("XLS", error)
}

/// Writes the rows below the header as JSON; returns the header.
pub(super) fn copy(
    file: &File,
    wanted: Option<&str>,
    skip: Option<u64>,
    limits: &Limits,
    mut out: impl Write,
    context: JobContext<'_>,
) -> Result<Header, EngineError> {
    let mut container = container::open(file, context).map_err(reading)?;
    if container.exists(ENCRYPTED) {
        return Err(protected());
    }
    let stream = STREAMS.into_iter().find(|name| container.exists(name));
    let stream = stream.ok_or_else(|| malformed("it holds no workbook"))?;
    let mut records = Records::new(container.open_stream(stream).map_err(reading)?);
    let globals = Globals::read(&mut records, limits, context)?;
    let sheets = Sheets {
        globals: &globals,
        wanted,
        skip,
        record: limits.record,
    };
    let header = sheets.first(&mut records, &mut out, context)?;
    out.flush()?;
    Ok(header)
}

/// The sheets of a workbook, and the requested one.
struct Sheets<'a> {
    globals: &'a Globals,
    wanted: Option<&'a str>,
    skip: Option<u64>,
    /// The largest row, in bytes.
    record: usize,
}

impl Sheets<'_> {
    /// Writes the requested sheet, or the first that is not empty: those that are hidden come last.
    fn first<R: Read + Seek>(
        &self,
        records: &mut Records<R>,
        out: &mut impl Write,
        context: JobContext<'_>,
    ) -> Result<Header, EngineError> {
        let (globals, wanted) = (self.globals, self.wanted);
        let mut known = SheetNames::default();
        let all = globals.sheets.iter();
        let (visible, hidden): (Vec<_>, Vec<_>) = all.partition(|sheet| !sheet.is_hidden);
        let mut sheets = visible.into_iter().chain(hidden);
        while let Some(sheet) = sheets.next() {
            known.add(&sheet.name);
            if wanted.is_some_and(|wanted| wanted != sheet.name) {
                continue;
            }
            records.seek(sheet.at)?;
            let dates = Dates::of(globals.is_1904);
            let mut rows = SheetRows::new(self.record, dates).skipping(self.skip);
            cells::copy(records, globals, &mut rows, out, context)?;
            let mut header = rows.finish(&sheet.name, out)?;
            if wanted.is_some() {
                return Ok(header);
            }
            // Nothing was written for a sheet without cells.
            if !header.keys.is_empty() {
                let mut others = SheetNames::default();
                for other in sheets {
                    if records.seek(other.at).is_ok() && cells::any(records, context)? {
                        others.add(&other.name);
                    }
                }
                header.warnings.extend(others.unread());
                return Ok(header);
            }
        }
        match wanted {
            Some(wanted) => Err(known.without(wanted)),
            None if known.is_empty() => Err(malformed("it has no worksheet")),
            None => Ok(Header::default()),
        }
    }
}
