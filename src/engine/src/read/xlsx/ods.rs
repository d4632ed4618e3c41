//! Sheets of OpenDocument, as LibreOffice writes them: read tag by tag, so that neither their size
//! nor what they say to be repeated matters.

use std::fs::File;
use std::io::{BufReader, Read, Seek, Write};

use calamine::{CellErrorType, DataRef};
use lastcall_domain::InvalidOption;
use zip::ZipArchive;

use super::cell::Dates;
use super::rows::{Header, SheetRows};
use super::xml::{Piece, Pieces};
use super::{archive, broken};
use crate::EngineError;
use crate::job::JobContext;

fn malformed(detail: impl Into<String>) -> EngineError {
    EngineError::malformed("ODS", detail)
}

/// What a manifest may have.
const MANIFEST: u64 = 1 << 20;

/// A cell of a row that is read.
struct Cell {
    column: u32,
    repeated: u32,
    value: Value,
}

enum Value {
    Number(f64),
    Text(String),
    Boolean(bool),
    Time(String),
    Error,
}

/// Writes the rows below the header as JSON; returns the header.
pub(super) fn copy(
    mut file: &File,
    wanted: Option<&str>,
    record: usize,
    mut out: impl Write,
    context: JobContext<'_>,
) -> Result<Header, EngineError> {
    let broken = |error| broken("ODS", error);
    file.rewind()?;
    let mut book = ZipArchive::new(BufReader::new(file)).map_err(broken)?;
    if let Ok(manifest) = book.by_name("META-INF/manifest.xml") {
        let mut text = Vec::new();
        let read = manifest.take(MANIFEST).read_to_end(&mut text);
        read.map_err(|error| EngineError::reading("ODS", error))?;
        if memchr::memmem::find(&text, b"encryption-data").is_some() {
            return Err(archive::protected());
        }
    }
    let content = book.by_name("content.xml").map_err(broken)?;
    let mut pieces = Pieces::new(BufReader::with_capacity(64 << 10, content), record);
    let mut names = Vec::new();
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
        let name = attribute(&attributes, "name")
            .unwrap_or_default()
            .to_owned();
        let is_wanted = wanted.is_none_or(|wanted| wanted == name);
        names.push(name);
        let mut rows = SheetRows::new(record, Dates::of(false));
        let any = Table {
            pieces: &mut pieces,
            record,
            context,
        }
        .read(is_wanted.then_some(&mut rows), &mut out)?;
        if is_wanted && (any || wanted.is_some()) {
            let header = rows.finish(&mut out)?;
            out.flush()?;
            return Ok(header);
        }
    }
    match wanted {
        Some(wanted) => Err(InvalidOption {
            option: "sheet".into(),
            detail: format!("there is no `{wanted}`, only `{}`", names.join("`, `")),
        }
        .into()),
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

/// A table, from behind its start to its end.
struct Table<'a, R> {
    pieces: &'a mut Pieces<R>,
    record: usize,
    context: JobContext<'a>,
}

impl<R: std::io::BufRead> Table<'_, R> {
    /// Reads to the end of the table; whether it has a cell.
    fn read(
        &mut self,
        mut rows: Option<&mut SheetRows>,
        out: &mut impl Write,
    ) -> Result<bool, EngineError> {
        let mut number = 0u32;
        let mut any = false;
        // A table may stand within a cell of another.
        let mut depth = 1;
        while let Some(piece) = self.pieces.next()? {
            match piece {
                Piece::Start { name, empty, .. } if name == "table" && !empty => depth += 1,
                Piece::End { name } if name == "table" => {
                    depth -= 1;
                    if depth == 0 {
                        return Ok(any);
                    }
                }
                Piece::Start {
                    name,
                    attributes,
                    empty,
                } if name == "table-row" && depth == 1 => {
                    self.context.check()?;
                    let times = repeated(&attributes, "number-rows-repeated");
                    let cells = if empty { Vec::new() } else { self.row()? };
                    if cells.is_empty() {
                        number = number.saturating_add(times);
                        continue;
                    }
                    any = true;
                    if let Some(rows) = &mut rows {
                        for at in 0..times {
                            self.context.check()?;
                            write(rows, number.saturating_add(at), &cells, out)?;
                        }
                    }
                    number = number.saturating_add(times);
                }
                _ => {}
            }
        }
        Err(malformed("a sheet does not end"))
    }

    /// The cells of a row that have a value.
    fn row(&mut self) -> Result<Vec<Cell>, EngineError> {
        let mut cells = Vec::new();
        let mut column = 0u32;
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
                        cells.push(Cell {
                            column,
                            repeated: times,
                            value,
                        });
                    }
                    column = column.saturating_add(times);
                }
                _ => {}
            }
        }
        Err(malformed("a row does not end"))
    }

    /// The text of a cell, its paragraphs as lines; nothing where it has none.
    fn text(&mut self, cell: &str) -> Result<Option<String>, EngineError> {
        let mut text: Option<String> = None;
        let (mut paragraphs, mut aside) = (0, 0);
        while let Some(piece) = self.pieces.next()? {
            match piece {
                Piece::End { name } if name == cell && aside == 0 => return Ok(text),
                // Comments on the cell, and what is drawn over it.
                Piece::Start { name, empty, .. } if name == "annotation" || name == "frame" => {
                    aside += u32::from(!empty);
                }
                Piece::End { name } if name == "annotation" || name == "frame" => {
                    aside = u32::saturating_sub(aside, 1);
                }
                _ if aside > 0 => {}
                Piece::Start { name, empty, .. } if name == "p" => {
                    match &mut text {
                        Some(text) => text.push('\n'),
                        None => text = Some(String::new()),
                    }
                    paragraphs += u32::from(!empty);
                }
                Piece::End { name } if name == "p" => {
                    paragraphs = u32::saturating_sub(paragraphs, 1);
                }
                Piece::Start {
                    name, attributes, ..
                } if paragraphs > 0 => {
                    let text = text.get_or_insert_default();
                    match name.as_str() {
                        "s" => {
                            let count = repeated(&attributes, "c") as usize;
                            text.extend(std::iter::repeat_n(' ', count.min(self.record)));
                        }
                        "tab" => text.push('\t'),
                        "line-break" => text.push('\n'),
                        _ => {}
                    }
                }
                Piece::Text(part) if paragraphs > 0 => {
                    text.get_or_insert_default().push_str(&part);
                }
                _ => {}
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
    // Of two of this name the second says more: `calcext:value-type="error"`.
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
