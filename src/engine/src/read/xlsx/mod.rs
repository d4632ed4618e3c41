//! Workbooks of Excel and of OpenDocument, one sheet per dataset.
//!
//! The sheet is written to a temporary file as NDJSON, row by row, and read from there: a sheet
//! cannot be read in pieces, and its rows need not fit in memory. The first row that is not empty
//! is the header.

mod archive;
mod cell;
mod ods;
mod repair;
mod rows;
mod xml;

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

use calamine::{Reader, SheetType, Xlsx, XlsxError};
use lastcall_domain::profile::Warning;
use lastcall_domain::{Format, InvalidOption, ReadOptions};
use tempfile::NamedTempFile;

use self::rows::{Header, SheetRows};
use super::guard::guarded;
use super::ndjson::Ndjson;
use super::{Chunk, Dataset, Input, Plan, TypeGuess};
use crate::batch::Batch;
use crate::job::JobContext;
use crate::pipeline::Resources;
use crate::source::{decompressed_limit, decompression_bomb};
use crate::{EngineError, Source};

/// A sheet of a workbook.
pub(super) struct Sheet {
    rows: Ndjson,
    /// What the rows call each column: its place in the sheet. A name may come twice.
    keys: Vec<String>,
    names: Vec<String>,
    warnings: Vec<Warning>,
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
        let is_ods = source.format == Format::Ods;
        if !is_ods {
            archive::check(&file, &resources.limits, context)?;
        }
        let most = decompressed_limit(source.size()?);
        let mut rows = NamedTempFile::new_in(resources.scratch)?;
        let sheet = options.sheet.as_deref();
        let mut attempt = |file: &File| {
            let output = rows.as_file_mut();
            output.set_len(0)?;
            output.rewind()?;
            let out = Bounded::new(BufWriter::new(output), most);
            let record = resources.limits.record;
            if is_ods {
                let copied = ods::copy(file, sheet, record, out, context);
                context.check()?;
                return copied.map_err(quota);
            }
            let copied = guarded("XLSX", || Ok(copy(file, sheet, record, out, context)))?;
            // A reader that was stopped fails as if the file were broken.
            context.check()?;
            copied.map_err(quota)
        };
        let copied = match attempt(&file) {
            Err(EngineError::Malformed { .. }) if !is_ods => {
                let out = Bounded::new(tempfile::tempfile_in(resources.scratch)?, most);
                let repaired = repair::repaired(&file, out, context).map_err(quota)?;
                attempt(&repaired)
            }
            other => other,
        };
        let Header {
            keys,
            names,
            warnings,
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
            _file: rows,
        })
    }
}

fn quota(error: EngineError) -> EngineError {
    match error {
        EngineError::Io(io) if io.kind() == io::ErrorKind::QuotaExceeded => decompression_bomb(),
        other => other,
    }
}

/// A file or writer that fails when more is written than a file may unfold to.
struct Bounded<W> {
    writer: W,
    left: u64,
}

impl<W> Bounded<W> {
    fn new(writer: W, left: u64) -> Self {
        Self { writer, left }
    }
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

impl<W: Seek> Seek for Bounded<W> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.writer.seek(to)
    }
}

/// A file that cannot be read any more once the analysis is cancelled, so that a library that
/// knows of no cancelling stops as well.
struct Stoppable<'a> {
    file: &'a File,
    context: JobContext<'a>,
}

impl Read for Stoppable<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.context.check().map_err(io::Error::other)?;
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
        XlsxError::Password => archive::protected(),
        other => malformed(other.to_string()),
    }
}

/// Writes the rows below the header as JSON; returns the header.
fn copy(
    file: &File,
    sheet: Option<&str>,
    record: usize,
    mut out: impl Write,
    context: JobContext<'_>,
) -> Result<Header, EngineError> {
    let file = BufReader::new(Stoppable { file, context });
    let mut book: Xlsx<_> = Xlsx::new(file).map_err(failed)?;
    let dates = cell::Dates::of(book.has_1904_epoch());
    let mut header = Header::default();
    for name in choose(&book, sheet)? {
        let mut cells = book.worksheet_cells_reader(&name).map_err(failed)?;
        let mut rows = SheetRows::new(record, dates);
        for number in 0u64.. {
            if number % 1024 == 0 {
                context.check()?;
            }
            let Some(cell) = cells.next_cell().map_err(failed)? else {
                break;
            };
            rows.add(cell.get_position(), cell.get_value(), &mut out)?;
        }
        header = rows.finish(&mut out)?;
        // Without a cell nothing was written.
        if !header.keys.is_empty() {
            break;
        }
    }
    out.flush()?;
    Ok(header)
}

/// The sheet that is asked for, or else all of them, of which the first that is not empty is read;
/// charts and dialogs have no cells.
fn choose<R: Read + Seek>(
    book: &Xlsx<R>,
    wanted: Option<&str>,
) -> Result<Vec<String>, EngineError> {
    let sheets = book.sheets_metadata().iter();
    let sheets = sheets.filter(|sheet| sheet.typ == SheetType::WorkSheet);
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

/// The names of sheets, for a caller who asked for another: not more than anybody reads.
#[derive(Default)]
struct SheetNames {
    listed: Vec<String>,
    more: bool,
}

impl SheetNames {
    const LISTED: usize = 20;
    const CHARACTERS: usize = 100;

    fn add(&mut self, name: &str) {
        if self.listed.len() == Self::LISTED {
            self.more = true;
            return;
        }
        let mut shown: String = name.chars().take(Self::CHARACTERS).collect();
        if shown.len() < name.len() {
            shown.push('…');
        }
        self.listed.push(shown);
    }

    fn is_empty(&self) -> bool {
        self.listed.is_empty()
    }

    /// There is no such sheet.
    fn without(self, wanted: &str) -> EngineError {
        let more = if self.more { ", …" } else { "" };
        let only = self.listed.join("`, `");
        let detail = format!("there is no `{wanted}`, only `{only}`{more}");
        let option = "sheet".into();
        InvalidOption { option, detail }.into()
    }
}

impl Dataset for Sheet {
    fn first_look(&self) -> Vec<TypeGuess> {
        let looks = self.rows.first_look().into_iter().zip(&self.names);
        looks
            .map(|(look, name)| TypeGuess {
                name: name.clone(),
                ..look
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
}
