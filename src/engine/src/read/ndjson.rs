//! One JSON object per line.
//!
//! Keys are columns, in order of first appearance; an absent key is a missing cell. Numbers and
//! booleans keep their JSON type; strings are text, or dates if all of a column are; arrays and
//! objects are kept as text. Escaped unpaired surrogates are replaced like invalid bytes.

mod cell;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use lastcall_domain::{Format, ReadOptions, ReadReport};
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use self::cell::{JsonCell, whole};
use super::build::build_column;
use super::dataset::{Chunk, ChunkBody, Dataset, Input, MAX_COLUMNS, Plan, TypeGuess};
use super::line_ends::LineEnds;
use super::name_bytes::NameBytes;
use super::records::{Lines, Records};
use super::text::{self, Encoded, Replaced};
use crate::batch::{Batch, ChunkText, ColumnBatch, ReadDiagnostics, hash_rows};
use crate::job::JobContext;
use crate::limits::Limits;
use crate::parse::{CellRules, Hints, Kind};
use crate::{EngineError, Source, sniff};

/// An NDJSON dataset.
#[derive(Clone)]
pub(super) struct Ndjson {
    source: Source,
    encoded: Encoded,
    rules: CellRules,
    limits: Limits,
    report: ReadReport,
    guesses: Vec<TypeGuess>,
    /// Whether the lines are the values of a JSON document.
    of_document: bool,
}

impl Ndjson {
    pub(super) fn open(
        source: &Source,
        options: &ReadOptions,
        limits: &Limits,
    ) -> Result<Self, EngineError> {
        Self::with_names(source, options, limits, Vec::new())
    }

    /// The same with known columns, even if they have no cells.
    pub(super) fn with_names(
        source: &Source,
        options: &ReadOptions,
        limits: &Limits,
        names: Vec<String>,
    ) -> Result<Self, EngineError> {
        let raw = text::sample(source)?;
        let found = sniff::encoding::decide(&raw, options)?;
        let encoded = found.encoded.with_ends(line_ends(&raw));
        let mut report = ReadReport {
            date_order: options.date_order,
            ..ReadReport::default()
        };
        found.note(&mut report);
        let sample = encoded.decode(&raw);
        let whole = match memchr::memrchr(b'\n', &sample) {
            Some(end) if raw.len() == text::SAMPLE => &sample[..=end],
            None if raw.len() == text::SAMPLE => &[],
            _ => &sample[..],
        };
        let mut ndjson = Self {
            source: source.clone(),
            encoded,
            rules: CellRules::new(options)?.seeded(source.seed),
            limits: *limits,
            report,
            guesses: Vec::new(),
            of_document: source.format == Format::Json,
        };
        let known = Plan {
            names,
            ..Plan::default()
        };
        let rows = Rows::read_all(whole, &known, 1, &mut Replaced::default());
        let rows = rows.map_err(|fault| fault.into_error(ndjson.of_document))?;
        let columns = rows.columns.iter().zip(rows.names);
        ndjson.guesses = columns
            .map(|(column, name)| TypeGuess::new(name, &column.given(&ndjson.rules)))
            .collect();
        Ok(ndjson)
    }

    fn batch(
        &self,
        chunk: &Arc<ChunkText>,
        plan: &Plan,
        first_line: u64,
        replaced: &mut Replaced,
    ) -> Result<Batch, EngineError> {
        let rows = Rows::read_all(&chunk.bytes, plan, first_line, replaced);
        let rows = rows.map_err(|fault| fault.into_error(self.of_document))?;
        let mut batch = Batch {
            rows: rows.rows,
            row_hashes: vec![0; rows.rows],
            ..Batch::default()
        };
        let known = plan.kinds.len();
        for (column, &kind) in rows.columns.iter().zip(&plan.kinds) {
            let cells = column.cells(rows.rows);
            let column = build_column(kind, cells, rows.rows, &self.rules, Some(chunk));
            hash_rows(&column, &mut batch.row_hashes, self.rules.seed());
            batch.columns.push(column);
        }
        for (column, name) in rows.columns.iter().zip(&rows.names).skip(known) {
            let column = column.given(&self.rules);
            batch.more.push((name.clone(), column.kinds));
        }
        Ok(batch)
    }
}

/// A carriage return ends a line if there are no line feeds.
fn line_ends(sample: &[u8]) -> Option<LineEnds> {
    let alone = sample.contains(&b'\r') && !sample.contains(&b'\n');
    alone.then_some(LineEnds {
        delimiter: None,
        quote: None,
        in_line: false,
    })
}

/// The expected contents of a line.
const EXPECTED: &str = "one JSON object per line";

/// An error in a line.
enum Fault {
    /// Too many keys, or too long ones.
    Refused(EngineError),
    Malformed(serde_json::Error, u64),
}

impl Fault {
    /// The error in the caller's terms: a JSON document has values, and the lines that it is
    /// converted to are not shown.
    fn into_error(self, of_document: bool) -> EngineError {
        let (error, line) = match self {
            Self::Refused(error) => return error,
            Self::Malformed(error, line) => (error, line),
        };
        let detail = error.to_string();
        // The line number is that of the dataset, not of the parser.
        let detail = detail.split(" at line ").next().unwrap_or_default();
        if of_document {
            let detail = detail.replace(EXPECTED, "an object");
            return EngineError::malformed("JSON", format!("value {line}: {detail}"));
        }
        EngineError::Malformed {
            format: "NDJSON",
            line: Some(line),
            column: Some(error.column().max(1) as u64),
            detail: detail.to_owned(),
        }
    }
}

/// The values of a document.
struct Values<I>(I);

impl<I: Input> Input for Values<I> {
    fn next(&mut self, context: JobContext<'_>) -> Result<Option<Chunk>, EngineError> {
        self.0.next(context).map_err(|error| match error {
            EngineError::RecordTooLarge { line, limit } => EngineError::CellTooLarge {
                place: format!("value {line}"),
                limit,
            },
            other => other,
        })
    }
}

impl Dataset for Ndjson {
    fn type_guesses(&self) -> Vec<TypeGuess> {
        self.guesses.clone()
    }

    fn open(&self, width: usize) -> Result<Box<dyn Input>, EngineError> {
        let stream = self.encoded.stream(&self.source)?;
        let records = Records::new(stream, Lines, &self.limits);
        let records = records.at_most(self.limits.rows(width));
        if self.of_document {
            return Ok(Box::new(Values(records)));
        }
        Ok(Box::new(records))
    }

    fn has_lines(&self) -> bool {
        !self.of_document
    }

    fn hints(&self) -> Hints {
        self.rules.hints()
    }

    fn in_other_encoding(&self) -> Option<Box<dyn Dataset>> {
        let found = sniff::encoding::late(self.encoded, &self.source)?;
        let mut other = self.clone();
        other.encoded = found.encoded;
        found.note(&mut other.report);
        Some(Box::new(other))
    }

    fn report(&self) -> ReadReport {
        self.report.clone()
    }

    fn parse(&self, chunk: Chunk, plan: &Plan) -> Result<Batch, EngineError> {
        let ChunkBody::Text(data) = chunk.body else {
            return Err(EngineError::internal("NDJSON comes as text"));
        };
        let (text, mut replaced) = text::valid(data, false, chunk.first_line);
        let mut batch = self.batch(&text, plan, chunk.first_line, &mut replaced)?;
        let mut notes = ReadDiagnostics::default();
        replaced.note(&mut notes);
        batch.notes = notes;
        Ok(batch)
    }
}

/// Rows of JSON as columns.
struct Rows<'a> {
    names: Vec<String>,
    places: HashMap<String, usize>,
    columns: Vec<Column<'a>>,
    rows: usize,
    /// Replaced characters of the current line.
    replaced: u64,
    name_bytes: NameBytes,
    /// Why a key was refused.
    refused: Option<EngineError>,
}

/// The present cells of a column.
#[derive(Default)]
struct Column<'a> {
    /// Row and value, ascending by row.
    cells: Vec<(usize, JsonCell<'a>)>,
}

impl<'a> Column<'a> {
    /// One cell per row, in order.
    fn cells(&self, rows: usize) -> impl Iterator<Item = Option<&JsonCell<'a>>> {
        let mut given = self.cells.iter().peekable();
        (0..rows).map(move |row| {
            let mut found = None;
            // The last value of a repeated key counts.
            while let Some((_, cell)) = given.next_if(|(at, _)| *at == row) {
                found = Some(cell);
            }
            found.filter(|cell| !cell.is_null())
        })
    }

    /// The present cells, as text: there may be few of them in many rows.
    fn given(&self, rules: &CellRules) -> ColumnBatch {
        let cells = self.cells.iter().map(|(_, cell)| Some(cell));
        let cells = cells.map(|cell| cell.filter(|cell| !cell.is_null()));
        build_column(Kind::Text, cells, self.cells.len(), rules, None)
    }
}

impl<'a> Rows<'a> {
    fn new(plan: &Plan) -> Self {
        let names = plan.names.clone();
        Self {
            places: names
                .iter()
                .cloned()
                .enumerate()
                .map(|(at, name)| (name, at))
                .collect(),
            columns: names.iter().map(|_| Column::default()).collect(),
            name_bytes: NameBytes::of(&names),
            names,
            rows: 0,
            replaced: 0,
            refused: None,
        }
    }

    fn read_all(
        data: &'a [u8],
        plan: &Plan,
        first_line: u64,
        replaced: &mut Replaced,
    ) -> Result<Self, Fault> {
        let mut rows = Self::new(plan);
        for (line, text) in (first_line..).zip(data.split(|&byte| byte == b'\n')) {
            let text = text.trim_ascii();
            if text.is_empty() {
                continue;
            }
            if let Err(error) = rows.read(text) {
                return Err(match rows.refused {
                    Some(refused) => Fault::Refused(refused),
                    None => Fault::Malformed(error, line),
                });
            }
            replaced.escapes(std::mem::take(&mut rows.replaced), line);
        }
        Ok(rows)
    }

    fn read(&mut self, line: &'a [u8]) -> Result<(), serde_json::Error> {
        let mut deserializer = serde_json::Deserializer::from_slice(line);
        let row = Row {
            rows: self,
            expected: 0,
        };
        row.deserialize(&mut deserializer)?;
        deserializer.end()?;
        self.rows += 1;
        Ok(())
    }

    /// The index of a column; keys usually occur in the same order.
    fn place(&mut self, name: &str, expected: usize) -> Result<usize, String> {
        if self.names.get(expected).is_some_and(|next| next == name) {
            return Ok(expected);
        }
        if let Some(&place) = self.places.get(name) {
            return Ok(place);
        }
        let fits = if self.names.len() == MAX_COLUMNS {
            Err(EngineError::TooManyColumns {
                limit: MAX_COLUMNS as u64,
            })
        } else {
            self.name_bytes.add(name.as_bytes())
        };
        if let Err(refused) = fits {
            let error = refused.to_string();
            self.refused = Some(refused);
            return Err(error);
        }
        self.places.insert(name.to_owned(), self.names.len());
        self.names.push(name.to_owned());
        self.columns.push(Column::default());
        Ok(self.names.len() - 1)
    }
}

/// One line.
struct Row<'r, 'a> {
    rows: &'r mut Rows<'a>,
    expected: usize,
}

impl<'a> DeserializeSeed<'a> for Row<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Row<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_map<A: MapAccess<'a>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(place) = map.next_key_seed(Key(&mut self))? {
            let value: &'a RawValue = map.next_value()?;
            let row = self.rows.rows;
            let cell =
                JsonCell::new(value, &mut self.rows.replaced).map_err(serde::de::Error::custom)?;
            self.rows.columns[place].cells.push((row, cell));
            self.expected = place + 1;
        }
        Ok(())
    }
}

/// A key, deserialised to the index of its column.
struct Key<'k, 'r, 'a>(&'k mut Row<'r, 'a>);

impl<'de> DeserializeSeed<'de> for Key<'_, '_, '_> {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_bytes(self)
    }
}

impl Visitor<'_> for Key<'_, '_, '_> {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_bytes<E: serde::de::Error>(self, name: &[u8]) -> Result<usize, E> {
        let name = whole(name, &mut self.0.rows.replaced);
        self.0.rows.place(&name, self.0.expected).map_err(E::custom)
    }
}
