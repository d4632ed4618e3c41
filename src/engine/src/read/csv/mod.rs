//! CSV and TSV.

pub(crate) mod cells;
pub(crate) mod dialect;
pub(crate) mod layout;
mod marks;
mod splitter;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;

use lastcall_domain::{ReadOptions, ReadReport};

use self::cells::Cells;
use self::dialect::Dialect;
use self::layout::Layout;
use super::build::build_column;
use super::dataset::{Chunk, ChunkBody, Dataset, Input, MAX_COLUMNS, Plan, TypeGuess};
use super::header;
use super::records::{Records, is_blank};
use super::text::{self, Encoded};
use crate::batch::{Batch, hash_rows};
use crate::job::JobContext;
use crate::limits::Limits;
use crate::parse::{CellRules, Hints, Style};
use crate::sniff::footer::{Footer, TAIL};
use crate::sniff::{self, Names};
use crate::{EngineError, Source};

/// The byte order mark, which is not part of a text.
const BOM: &[u8] = "\u{feff}".as_bytes();

/// A CSV dataset whose dialect is known.
#[derive(Clone)]
pub(super) struct Csv {
    source: Source,
    encoded: Encoded,
    layout: Layout,
    /// The rules for each style of numbers.
    rules: [CellRules; Style::ALL.len()],
    limits: Limits,
    footer: Footer,
    guesses: Vec<TypeGuess>,
    report: ReadReport,
}

impl Csv {
    pub(super) fn open(
        source: &Source,
        options: &ReadOptions,
        limits: &Limits,
    ) -> Result<Self, EngineError> {
        let rules = CellRules::new(options)?.seeded(source.seed);
        let raw = text::sample(source)?;
        let sample = sniff::Sample {
            bytes: &raw,
            whole: raw.len() < text::SAMPLE,
            format: source.format,
            limits,
        };
        let found = sniff::sniff(&sample, &rules, options, |encoded, layout| {
            names(source, encoded, layout, limits)
        })?;
        Ok(Self {
            source: source.clone(),
            encoded: found.encoded,
            layout: found.layout,
            rules: Style::ALL.map(|style| match style {
                Style::Plain => rules.clone(),
                other => rules.styled(other),
            }),
            limits: *limits,
            footer: found.footer,
            guesses: found.guesses,
            report: found.report,
        })
    }
}

/// The records after the header, and the header: blank lines and comments before it are skipped.
fn records(
    source: &Source,
    encoded: Encoded,
    layout: &Layout,
    limits: &Limits,
) -> Result<(Records<Dialect>, Vec<u8>), EngineError> {
    let dialect = layout.dialect;
    let stream = encoded.stream(source)?;
    let mut records = Records::new(stream, dialect, limits).holding(TAIL);
    records.skip_lines(layout.lines)?;
    if !layout.header {
        return Ok((records, Vec::new()));
    }
    loop {
        let record = records.take_record()?;
        let passed = is_blank(&record, dialect.delimiter) || dialect.comments(&record, 0);
        if record.is_empty() || !passed {
            return Ok((records, record));
        }
    }
}

/// Reads the names of the columns from the first record, however long it is; numbers them if there
/// is no header.
fn names(
    source: &Source,
    encoded: Encoded,
    layout: &Layout,
    limits: &Limits,
) -> Result<Names, EngineError> {
    let (_, mut record) = records(source, encoded, layout, limits)?;
    let boms = take_boms(&mut record, layout.dialect);
    let record = record.strip_suffix(b"\n").unwrap_or(&record);
    let mut header = Cells::cut_record(record, layout.dialect);
    if layout.row_names {
        header.insert(0, Vec::new());
    }
    // A trailing delimiter is not a column if no row has it.
    if header.iter().skip(layout.width).all(Vec::is_empty) && layout.width > 0 {
        header.truncate(layout.width);
    }
    let width = if layout.header {
        header.len()
    } else {
        layout.width
    };
    if width > MAX_COLUMNS {
        return Err(EngineError::TooManyColumns {
            limit: MAX_COLUMNS as u64,
        });
    }
    if !layout.header {
        let numbered = (1..=width).map(|at| format!("column_{at}"));
        return Ok(Names {
            names: numbered.collect(),
            ..Names::default()
        });
    }
    let (names, warnings) = header::bounded(&header)?;
    Ok(Names {
        names,
        warnings,
        boms,
    })
}

/// Removes byte order marks from the start of cells, and returns their number: concatenated files
/// have some inside.
fn take_boms(data: &mut Vec<u8>, dialect: Dialect) -> u64 {
    if memchr::memmem::find(data, BOM).is_none() {
        return 0;
    }
    let mut count = 0;
    let mut kept: Vec<u8> = Vec::with_capacity(data.len());
    let mut rest = data.as_slice();
    while let Some(at) = memchr::memmem::find(rest, BOM) {
        kept.extend_from_slice(&rest[..at]);
        let begins = match kept.last() {
            None => true,
            Some(&last) => {
                last == b'\n' || last == dialect.delimiter || Some(last) == dialect.quote
            }
        };
        if begins {
            count += 1;
        } else {
            kept.extend_from_slice(BOM);
        }
        rest = &rest[at + BOM.len()..];
    }
    kept.extend_from_slice(rest);
    *data = kept;
    count
}

/// The chunks, without the lines after the last row.
struct Rows {
    records: Records<Dialect>,
    footer: Footer,
    rules: CellRules,
}

impl Input for Rows {
    fn next(&mut self, context: JobContext<'_>) -> Result<Option<Chunk>, EngineError> {
        let Some(mut chunk) = self.records.next(context)? else {
            return Ok(None);
        };
        if self.records.is_at_end()
            && let ChunkBody::Text(mut text) = chunk.body
        {
            let tail = self
                .footer
                .take_off(&mut text, chunk.first_line, &self.rules);
            chunk.body = ChunkBody::Last(text, tail);
        }
        Ok(Some(chunk))
    }
}

impl Dataset for Csv {
    fn type_guesses(&self) -> Vec<TypeGuess> {
        self.guesses.clone()
    }

    fn hints(&self) -> Hints {
        self.rules[0].hints()
    }

    fn open(&self, width: usize) -> Result<Box<dyn Input>, EngineError> {
        let (records, _) = records(&self.source, self.encoded, &self.layout, &self.limits)?;
        Ok(Box::new(Rows {
            records: records.at_most(self.limits.rows(width)),
            footer: self.footer.clone(),
            rules: self.rules[0].clone(),
        }))
    }

    fn in_other_encoding(&self) -> Option<Box<dyn Dataset>> {
        let found = sniff::encoding::late(self.encoded, &self.source)?;
        let mut other = self.clone();
        other.encoded = found.encoded;
        found.note(&mut other.report);
        Some(Box::new(other))
    }

    fn parse(&self, chunk: Chunk, plan: &Plan) -> Result<Batch, EngineError> {
        let (mut data, tail) = match chunk.body {
            ChunkBody::Text(data) => (data, None),
            ChunkBody::Last(data, tail) => (data, Some(tail)),
            ChunkBody::Records(_) => return Err(EngineError::internal("CSV comes as text")),
        };
        let ascii = data.is_ascii();
        let boms = match ascii {
            true => 0,
            false => take_boms(&mut data, self.layout.dialect),
        };
        let (text, replaced) = text::valid(data, ascii, chunk.first_line);
        let width = plan.kinds.len();
        let mut cells = Cells::cut(&text.bytes, self.layout.dialect, width, chunk.first_line);
        let rows = cells.rows();
        let mut batch = Batch {
            rows,
            columns: Vec::with_capacity(width),
            row_hashes: vec![0; rows],
            more: Vec::new(),
            notes: std::mem::take(&mut cells.notes),
        };
        replaced.note(&mut batch.notes);
        batch.notes.boms = boms;
        batch.notes.tail = tail;
        for (at, &kind) in plan.kinds.iter().enumerate() {
            let rules = &self.rules[plan.styles[at] as usize];
            let column = match cells.plain_column(at) {
                Some(plain) => build_column(kind, plain, rows, rules, Some(&text)),
                None => build_column(kind, cells.column(at), rows, rules, Some(&text)),
            };
            hash_rows(&column, &mut batch.row_hashes, rules.seed());
            batch.columns.push(column);
        }
        Ok(batch)
    }

    fn report(&self) -> ReadReport {
        self.report.clone()
    }
}
