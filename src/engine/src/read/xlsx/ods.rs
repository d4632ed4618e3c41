//! OpenDocument sheets, streamed tag by tag, so that neither their size nor declared repetitions
//! take memory.

use std::fs::File;
use std::io::{BufReader, Read, Seek, Write};

use calamine::{CellErrorType, DataRef};
use zip::ZipArchive;

use super::archive::broken;
use super::cell::Dates;
use super::kind::protected;
use super::rows::{Header, SheetRows, row_too_large, too_many};
use super::sheet_names::SheetNames;
use super::streams::Stoppable;
use super::xml::{Piece, Pieces};
use crate::EngineError;
use crate::job::JobContext;
use crate::read::dataset::MAX_COLUMNS;

fn malformed(detail: impl Into<String>) -> EngineError {
    EngineError::malformed("ODS", detail)
}

/// The maximum size of a manifest.
const MANIFEST: u64 = 1 << 20;

/// A cell of the current row.
struct Cell {
    column: u32,
    repeated: u32,
    value: Value,
}

/// Whether a cell has a formula whose value is not in the file.
fn is_uncomputed(attributes: &[(String, String)]) -> bool {
    attribute(attributes, "formula").is_some() && attribute(attributes, "value-type").is_none()
}

enum Value {
    Number(f64),
    Text(String),
    Boolean(bool),
    Time(String),
    Error,
}

impl Value {
    /// Its approximate size in bytes.
    fn bytes(&self) -> usize {
        match self {
            Self::Text(text) | Self::Time(text) => text.len(),
            Self::Number(_) | Self::Boolean(_) | Self::Error => 8,
        }
    }
}

/// Writes the rows below the header as JSON; returns the header.
pub(super) fn copy(
    mut file: &File,
    wanted: Option<&str>,
    skip: Option<u64>,
    record: usize,
    mut out: impl Write,
    context: JobContext<'_>,
) -> Result<Header, EngineError> {
    let broken = |error| broken("ODS", error);
    file.rewind()?;
    let file = BufReader::new(Stoppable { file, context });
    let mut book = ZipArchive::new(file).map_err(broken)?;
    if let Ok(manifest) = book.by_name("META-INF/manifest.xml") {
        let mut text = Vec::new();
        let read = manifest.take(MANIFEST).read_to_end(&mut text);
        read.map_err(|error| EngineError::reading("ODS", error))?;
        if memchr::memmem::find(&text, b"encryption-data").is_some() {
            return Err(protected());
        }
    }
    let content = book.by_name("content.xml").map_err(broken)?;
    let mut pieces = Pieces::new(BufReader::with_capacity(64 << 10, content), record);
    let mut names = SheetNames::default();
    while let Some(piece) = pieces.next()? {
        let Piece::Start {
            name,
            attributes,
            empty: false,
        } = piece
        else {
            continue;
        };
        if name != "table" {
            continue;
        }
        let name = attribute(&attributes, "name").unwrap_or_default();
        names.add(name);
        let mut table = Table {
            pieces: &mut pieces,
            record,
            context,
        };
        if wanted.is_some_and(|wanted| wanted != name) {
            table.pass()?;
            continue;
        }
        let mut rows = SheetRows::new(record, Dates::of(false)).skipping(skip);
        if table.read(&mut rows, &mut out)? || wanted.is_some() {
            let header = rows.finish(name, &mut out)?;
            out.flush()?;
            return Ok(header);
        }
    }
    match wanted {
        Some(wanted) => Err(names.without(wanted)),
        None if names.is_empty() => Err(malformed("it has no sheet")),
        None => Ok(Header::default()),
    }
}

fn attribute<'a>(attributes: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = attributes.iter().find(|(other, _)| other == name);
    found.map(|(_, value)| value.as_str())
}

fn repeated(attributes: &[(String, String)], name: &str) -> u32 {
    let times = attribute(attributes, name).and_then(|times| times.parse().ok());
    times.unwrap_or(1).max(1)
}

/// Whether a piece ends the current table; `depth` counts nested tables.
fn ends_table(piece: &Piece, depth: &mut u32) -> bool {
    match piece {
        Piece::Start { name, empty, .. } if name == "table" && !empty => *depth += 1,
        Piece::End { name } if name == "table" => *depth -= 1,
        _ => {}
    }
    *depth == 0
}

/// A table after its start tag.
struct Table<'a, R> {
    pieces: &'a mut Pieces<R>,
    record: usize,
    context: JobContext<'a>,
}

impl<R: std::io::BufRead> Table<'_, R> {
    /// Reads to the end of the table; returns whether it has a cell.
    fn read(&mut self, rows: &mut SheetRows, out: &mut impl Write) -> Result<bool, EngineError> {
        let mut number = 0u32;
        let mut any = false;
        // Tables may be nested.
        let mut depth = 1;
        while let Some(piece) = self.pieces.next()? {
            if ends_table(&piece, &mut depth) {
                return Ok(any);
            }
            match piece {
                Piece::Start {
                    name,
                    attributes,
                    empty,
                } if name == "table-row" && depth == 1 => {
                    self.context.check()?;
                    let times = repeated(&attributes, "number-rows-repeated");
                    let cells = if empty {
                        Vec::new()
                    } else {
                        self.row(number, rows)?
                    };
                    if cells.is_empty() {
                        number = number.saturating_add(times);
                        continue;
                    }
                    any = true;
                    for at in 0..times {
                        self.context.check()?;
                        write(rows, number.saturating_add(at), &cells, out)?;
                    }
                    number = number.saturating_add(times);
                }
                _ => {}
            }
        }
        Err(malformed("a sheet does not end"))
    }

    /// Skips the table.
    fn pass(&mut self) -> Result<(), EngineError> {
        let mut depth = 1;
        while let Some(piece) = self.pieces.next()? {
            if ends_table(&piece, &mut depth) {
                return Ok(());
            }
        }
        Err(malformed("a sheet does not end"))
    }

    /// The cells of a row that have a value.
    fn row(&mut self, number: u32, rows: &mut SheetRows) -> Result<Vec<Cell>, EngineError> {
        let mut cells = Vec::new();
        let (mut column, mut bytes) = (0u32, 0);
        while let Some(piece) = self.pieces.next()? {
            match piece {
                Piece::End { name } if name == "table-row" => return Ok(cells),
                Piece::Start {
                    name,
                    attributes,
                    empty,
                } if name == "table-cell" || name == "covered-table-cell" => {
                    let times = repeated(&attributes, "number-columns-repeated");
                    let text = if empty { None } else { self.text(&name)? };
                    if let Some(value) = value(&attributes, text) {
                        if times as usize > MAX_COLUMNS || cells.len() == MAX_COLUMNS {
                            return Err(too_many());
                        }
                        bytes += value.bytes();
                        if bytes > self.record {
                            return Err(row_too_large(number, self.record));
                        }
                        cells.push(Cell {
                            column,
                            repeated: times,
                            value,
                        });
                    } else if is_uncomputed(&attributes) {
                        rows.add_uncomputed(number);
                    }
                    column = column.saturating_add(times);
                }
                _ => {}
            }
        }
        Err(malformed("a row does not end"))
    }

    /// The text of a cell, with its paragraphs as lines; `None` if it has none. Paragraphs of
    /// drawings and comments are excluded.
    fn text(&mut self, cell: &str) -> Result<Option<String>, EngineError> {
        let mut text: Option<String> = None;
        let mut depth = 0;
        // Whether a paragraph of the cell is open, and the element whose text is excluded.
        let (mut paragraph, mut aside) = (false, None);
        while let Some(piece) = self.pieces.next()? {
            match piece {
                Piece::End { name } if depth == 0 => {
                    if name != cell {
                        break;
                    }
                    return Ok(text);
                }
                Piece::End { .. } => {
                    depth -= 1;
                    paragraph &= depth > 0;
                    aside = aside.filter(|aside| depth > *aside);
                }
                Piece::Start {
                    name,
                    attributes,
                    empty,
                } => {
                    if depth == 0 && name == "p" {
                        match &mut text {
                            Some(text) => text.push('\n'),
                            None => text = Some(String::new()),
                        }
                        paragraph = !empty;
                    } else if paragraph && aside.is_none() {
                        let text = text.get_or_insert_default();
                        match name.as_str() {
                            "s" => {
                                let count = repeated(&attributes, "c") as usize;
                                text.extend(std::iter::repeat_n(' ', count.min(self.record)));
                            }
                            "tab" => text.push('\t'),
                            "line-break" => text.push('\n'),
                            "annotation" | "frame" | "note" | "p" if !empty => aside = Some(depth),
                            _ => {}
                        }
                    }
                    depth += usize::from(!empty);
                }
                Piece::Text(part) if paragraph && aside.is_none() => {
                    text.get_or_insert_default().push_str(&part);
                }
                Piece::Text(_) => {}
            }
            if text.as_ref().is_some_and(|text| text.len() > self.record) {
                return Err(EngineError::CellTooLarge {
                    place: "a cell of the workbook".into(),
                    limit: self.record as u64,
                });
            }
        }
        Err(malformed("a cell does not end"))
    }
}

fn value(attributes: &[(String, String)], text: Option<String>) -> Option<Value> {
    // If there are two, the second is more specific: `calcext:value-type="error"`.
    let mut kinds = attributes.iter().filter(|(name, _)| name == "value-type");
    if kinds.clone().any(|(_, kind)| kind == "error") {
        return Some(Value::Error);
    }
    let (_, kind) = kinds.next()?;
    let given = |name: &str| attribute(attributes, name).map(str::to_owned);
    match kind.as_str() {
        "float" | "percentage" | "currency" => given("value")?.parse().ok().map(Value::Number),
        "boolean" => Some(Value::Boolean(given("boolean-value")? == "true")),
        "date" => given("date-value").map(Value::Time),
        "time" => text.or_else(|| given("time-value")).map(Value::Text),
        _ => given("string-value").or(text).map(Value::Text),
    }
}

fn write(
    rows: &mut SheetRows,
    number: u32,
    cells: &[Cell],
    out: &mut impl Write,
) -> Result<(), EngineError> {
    for cell in cells {
        for at in 0..cell.repeated {
            let data = match &cell.value {
                Value::Number(number) => DataRef::Float(*number),
                Value::Text(text) => DataRef::SharedString(text),
                Value::Boolean(value) => DataRef::Bool(*value),
                Value::Time(text) => DataRef::SharedString(text),
                Value::Error => DataRef::Error(CellErrorType::NA),
            };
            rows.add((number, cell.column.saturating_add(at)), &data, out)?;
        }
    }
    Ok(())
}
