//! Excel and OpenDocument workbooks, one sheet per dataset.
//!
//! The sheet is written to a temporary file as NDJSON, row by row, and read from there: a sheet
//! cannot be read in pieces, and its rows need not fit in memory. The first row that is neither
//! empty nor a title is the header.

mod archive;
mod cell;
mod kind;
mod ods;
mod repair;
mod rows;
mod sheet_names;
mod streams;
mod titles;
mod xls;
mod xml;

use std::error::Error as _;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::sync::Arc;

use calamine::{DataRef, Reader, SheetType, SheetVisible, Xlsx, XlsxError};
use lastcall_domain::profile::Warning;
use lastcall_domain::{Dependency, Format, ReadOptions, ReadReport};
use tempfile::NamedTempFile;

use self::archive::{broken, malformed};
use self::kind::{Kind, protected};
use self::rows::{Header, SheetRows};
use self::sheet_names::SheetNames;
use self::streams::{Bounded, Stoppable, is_bound};
use super::dataset::{Chunk, Dataset, Input, Plan, TypeGuess};
use super::guard::guarded;
use super::ndjson::Ndjson;
use crate::batch::Batch;
use crate::job::JobContext;
use crate::pipeline::Resources;
use crate::source::{decompressed_limit, decompression_bomb, of_scratch};
use crate::{EngineError, Source};

/// A sheet of a workbook.
pub(super) struct Sheet {
    rows: Ndjson,
    /// The key of each column in the rows: its index in the sheet, as names may repeat.
    keys: Vec<String>,
    names: Vec<String>,
    warnings: Vec<Warning>,
    /// Rows of the sheet above the header.
    skipped: u64,
    /// The name of the sheet; empty if there is none.
    sheet: String,
    /// Removed when dropped.
    _file: NamedTempFile,
}

impl Sheet {
    pub(super) fn open(
        source: &Source,
        options: &ReadOptions,
        resources: &Resources<'_>,
        context: JobContext<'_>,
    ) -> Result<Self, EngineError> {
        let file = source.open_seekable(resources.scratch, context)?;
        let kind = Kind::of(&file, source.format)?;
        if kind == Kind::Xlsx {
            archive::check(&file, &resources.limits, context)?;
        }
        let most = decompressed_limit(source.size()?);
        let mut rows = NamedTempFile::new_in(resources.scratch).map_err(of_scratch)?;
        let (sheet, skip) = (options.sheet.as_deref(), options.skip_rows);
        let mut attempt = |file: &File| {
            let output = rows.as_file_mut();
            output.set_len(0)?;
            output.rewind()?;
            let out = Bounded::new(BufWriter::new(output), most);
            let limits = &resources.limits;
            let record = limits.record;
            let copied = match kind {
                Kind::Ods => ods::copy(file, sheet, skip, record, out, context),
                Kind::Xls => guarded("XLS", || xls::copy(file, sheet, skip, limits, out, context)),
                Kind::Xlsx => guarded("XLSX", || copy(file, sheet, skip, record, out, context)),
            };
            // A stopped reader fails as if the file were corrupt.
            context.check()?;
            copied.map_err(quota)
        };
        let copied = match attempt(&file) {
            Err(EngineError::Malformed { .. }) if kind == Kind::Xlsx => {
                let out = tempfile::tempfile_in(resources.scratch).map_err(of_scratch)?;
                let out = Bounded::new(out, most);
                let repaired = repair::repaired(&file, out, context).map_err(quota)?;
                attempt(&repaired)
            }
            other => other,
        };
        let Header {
            keys,
            names,
            warnings,
            skipped,
            sheet,
        } = copied?;
        let copied = Source {
            seed: source.seed,
            ..Source::new(rows.path(), Format::Ndjson)
        };
        Ok(Self {
            rows: Ndjson::with_names(&copied, options, &resources.limits, keys.clone())?,
            keys,
            names,
            warnings,
            skipped,
            sheet,
            _file: rows,
        })
    }
}

fn quota(error: EngineError) -> EngineError {
    match error {
        EngineError::Io(io) if is_bound(&io) => decompression_bomb(),
        other => other,
    }
}

fn failed(error: XlsxError) -> EngineError {
    match error {
        XlsxError::Io(error) => EngineError::reading("XLSX", error),
        XlsxError::Zip(error) => broken("XLSX", error),
        XlsxError::Password => protected(),
        other => match of_machine(&other) {
            Some(io) => EngineError::Io(io),
            None => malformed(other.to_string()),
        },
    }
}

/// The I/O error of the machine within an error of the XML parser.
fn of_machine(error: &XlsxError) -> Option<io::Error> {
    // The error is shared, and cannot be moved out.
    let met = error.source()?.source()?.downcast_ref::<Arc<io::Error>>()?;
    Dependency::of_work_io(met)?;
    met.raw_os_error().map(io::Error::from_raw_os_error)
}

/// Writes the rows below the header as JSON; returns the header.
fn copy(
    file: &File,
    sheet: Option<&str>,
    skip: Option<u64>,
    record: usize,
    mut out: impl Write,
    context: JobContext<'_>,
) -> Result<Header, EngineError> {
    let file = BufReader::new(Stoppable { file, context });
    let mut book: Xlsx<_> = Xlsx::new(file).map_err(failed)?;
    let dates = cell::Dates::of(book.has_1904_epoch());
    let mut header = Header::default();
    let mut names = choose(&book, sheet)?.into_iter();
    for name in names.by_ref() {
        let mut cells = book.worksheet_cells_reader(&name).map_err(failed)?;
        let mut rows = SheetRows::new(record, dates).skipping(skip);
        for number in 0u64.. {
            if number % 1024 == 0 {
                context.check()?;
            }
            let cell = cells.next_cell_with_formula_metadata();
            let Some(cell) = cell.map_err(failed)? else {
                break;
            };
            if cell.formula.is_some() && cell.value == DataRef::Empty {
                rows.add_uncomputed(cell.pos.0);
            }
            rows.add(cell.pos, &cell.value, &mut out)?;
        }
        header = rows.finish(&name, &mut out)?;
        // Nothing was written for a sheet without cells.
        if !header.keys.is_empty() {
            break;
        }
    }
    out.flush()?;
    let mut others = SheetNames::default();
    for name in names {
        if has_cells(&mut book, &name, context)? {
            others.add(&name);
        }
    }
    header.warnings.extend(others.unread());
    Ok(header)
}

/// Whether a sheet has a cell; one that cannot be read has none.
fn has_cells<R: Read + Seek>(
    book: &mut Xlsx<R>,
    name: &str,
    context: JobContext<'_>,
) -> Result<bool, EngineError> {
    let Ok(mut cells) = book.worksheet_cells_reader(name) else {
        return Ok(false);
    };
    for number in 0u64.. {
        if number % 1024 == 0 {
            context.check()?;
        }
        match cells.next_cell() {
            Ok(Some(cell)) if *cell.get_value() == DataRef::Empty => {}
            Ok(Some(_)) => return Ok(true),
            Ok(None) | Err(_) => break,
        }
    }
    Ok(false)
}

/// The requested sheet, or all worksheets, of which the first that is not empty is read: those that
/// are hidden come last.
fn choose<R: Read + Seek>(
    book: &Xlsx<R>,
    wanted: Option<&str>,
) -> Result<Vec<String>, EngineError> {
    let sheets = book.sheets_metadata().iter();
    let sheets = sheets.filter(|sheet| sheet.typ == SheetType::WorkSheet);
    let (visible, hidden): (Vec<_>, Vec<_>) =
        sheets.partition(|sheet| sheet.visible == SheetVisible::Visible);
    let sheets = visible.into_iter().chain(hidden);
    let names: Vec<&String> = sheets.map(|sheet| &sheet.name).collect();
    let Some(wanted) = wanted else {
        if names.is_empty() {
            return Err(malformed("it has no worksheet"));
        }
        return Ok(names.into_iter().cloned().collect());
    };
    if names.iter().any(|name| *name == wanted) {
        return Ok(vec![wanted.to_owned()]);
    }
    let mut known = SheetNames::default();
    names.into_iter().for_each(|name| known.add(name));
    Err(known.without(wanted))
}

impl Dataset for Sheet {
    fn type_guesses(&self) -> Vec<TypeGuess> {
        let guesses = self.rows.type_guesses().into_iter().zip(&self.names);
        guesses
            .map(|(guess, name)| TypeGuess {
                name: name.clone(),
                ..guess
            })
            .collect()
    }

    fn open(&self, width: usize) -> Result<Box<dyn Input>, EngineError> {
        self.rows.open(width)
    }

    fn parse(&self, chunk: Chunk, plan: &Plan) -> Result<Batch, EngineError> {
        let by_key = Plan {
            names: self.keys.clone(),
            ..plan.clone()
        };
        self.rows.parse(chunk, &by_key)
    }

    fn warnings(&self) -> Vec<Warning> {
        self.warnings.clone()
    }

    fn report(&self) -> ReadReport {
        ReadReport {
            sheet: Some(self.sheet.clone()).filter(|sheet| !sheet.is_empty()),
            skipped_lines: self.skipped,
            warnings: self.warnings().into_iter().map(Into::into).collect(),
            ..ReadReport::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, SeekFrom};

    use super::*;

    const WORKBOOK: &[u8] = include_bytes!("../../../tests/it/fixtures/errors-only.xlsx");

    /// A file on a disk that fails at one of the reads.
    struct Failing {
        file: Cursor<&'static [u8]>,
        reads_left: usize,
    }

    impl Read for Failing {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            const EIO: i32 = 5;
            match self.reads_left.checked_sub(1) {
                None => return Err(io::Error::from_raw_os_error(EIO)),
                Some(left) => self.reads_left = left,
            }
            let few = buffer.len().min(64);
            self.file.read(&mut buffer[..few])
        }
    }

    impl Seek for Failing {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.file.seek(to)
        }
    }

    fn read(reads_left: usize) -> Result<(), XlsxError> {
        let file = Cursor::new(WORKBOOK);
        let mut book = Xlsx::new(Failing { file, reads_left })?;
        let name = book.sheets_metadata()[0].name.clone();
        let mut cells = book.worksheet_cells_reader(&name)?;
        while cells.next_cell()?.is_some() {}
        Ok(())
    }

    #[test]
    fn a_disk_that_fails_is_no_fault_of_the_workbook_wherever_it_is_read() {
        let mut failed_at = 0;
        while let Err(error) = read(failed_at) {
            let error = failed(error);
            assert!(
                matches!(error, EngineError::Io(_)),
                "read {failed_at}: {error}"
            );
            failed_at += 1;
        }
        assert!(failed_at > 20, "{failed_at}");
    }
}
