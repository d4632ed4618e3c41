//! CSV and TSV.

mod cells;
mod dialect;
mod marks;
mod sniff;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests;

use lastcall_domain::profile::Warning;
use lastcall_domain::{Format, ReadOptions};

use self::cells::Cells;
use self::dialect::Dialect;
use super::build::build_column;
use super::records::{self, Records, Splitter, is_blank};
use super::text::{self, Encoded};
use super::{Body, Chunk, Dataset, Input, Look, MAX_COLUMNS, Plan, header};
use crate::batch::{Batch, hash_rows};
use crate::cell::{CellRules, Hints, Kind, Style, ascii};
use crate::limits::Limits;
use crate::{EngineError, Source};

/// A CSV dataset whose dialect is known.
#[derive(Clone)]
pub(super) struct Csv {
    source: Source,
    encoded: Encoded,
    dialect: Dialect,
    /// One for each style of numbers.
    rules: [CellRules; Style::ALL.len()],
    limits: Limits,
    looks: Vec<Look>,
    warnings: Vec<Warning>,
}

impl Csv {
    pub(super) fn open(
        source: &Source,
        options: &ReadOptions,
        limits: &Limits,
    ) -> Result<Self, EngineError> {
        let rules = CellRules::new(options)?;
        let raw = text::sample(source)?;
        let encoded = Encoded::sniff(&raw);
        let sample = encoded.decode(&raw);
        let comment = ascii(options.comment);
        let delimiter = match ascii(options.delimiter) {
            Some(given) => given,
            None if source.format == Format::Tsv => b'\t',
            None => sniff::delimiter(&sample, comment),
        };
        let mut csv = Self {
            source: source.clone(),
            encoded,
            dialect: Dialect { delimiter, comment },
            rules: Style::ALL.map(|style| match style {
                Style::Plain => rules.clone(),
                other => rules.styled(other),
            }),
            limits: *limits,
            looks: Vec::new(),
            warnings: Vec::new(),
        };
        let names = csv.read_header()?;
        csv.look_at(names, &sample, raw.len() < text::SAMPLE);
        Ok(csv)
    }

    /// The records from the beginning, and the header taken off them: blank lines and comments
    /// before it are passed over.
    fn records(&self) -> Result<(Records<Dialect>, Vec<u8>), EngineError> {
        let stream = self.encoded.stream(&self.source)?;
        let mut records = Records::new(stream, self.dialect, &self.limits);
        loop {
            let record = records.take_record()?;
            if record.is_empty() || !self.passes_over(&record) {
                return Ok((records, record));
            }
        }
    }

    fn passes_over(&self, record: &[u8]) -> bool {
        is_blank(record, self.dialect.delimiter) || self.dialect.comments(record, 0)
    }

    /// Reads the names of the columns from the first record, however long that is.
    fn read_header(&mut self) -> Result<Vec<String>, EngineError> {
        let (_, record) = self.records()?;
        let header = Cells::cut_record(&record, self.dialect);
        if header.len() > MAX_COLUMNS {
            return Err(EngineError::TooManyColumns {
                limit: MAX_COLUMNS as u64,
            });
        }
        let (names, warnings) = header::names(&header);
        self.warnings = warnings;
        Ok(names)
    }

    /// Finds out what the first cells may be read as.
    fn look_at(&mut self, names: Vec<String>, sample: &[u8], all: bool) {
        let mut start = 0;
        let mut found = false;
        while !found && let Some(end) = self.dialect.record_end(sample, start) {
            let record = &sample[start..end];
            found = !self.passes_over(record);
            start = end;
        }
        let rows = match self.dialect.last_record_end(&sample[start..]) {
            _ if !found => &[][..],
            _ if all => &sample[start..],
            end => &sample[start..start + end.unwrap_or(0)],
        };
        let rows = records::first(&self.dialect, rows, self.limits.rows(names.len()));
        let cells = Cells::cut(rows, self.dialect, names.len(), 1);
        let look = |(at, name)| {
            let column = build_column(
                Kind::Text,
                cells.column(at),
                cells.rows(),
                &self.rules[0],
                None,
            );
            Look::new(name, &column)
        };
        self.looks = names.into_iter().enumerate().map(look).collect();
    }
}

impl Dataset for Csv {
    fn first_look(&self) -> Vec<Look> {
        self.looks.clone()
    }

    fn open(&self, width: usize) -> Result<Box<dyn Input>, EngineError> {
        let records = self.records()?.0;
        Ok(Box::new(records.at_most(self.limits.rows(width))))
    }

    fn hints(&self) -> Hints {
        self.rules[0].hints()
    }

    fn in_latin(&self) -> Option<Box<dyn Dataset>> {
        let encoded = self.encoded.or_latin()?;
        Some(Box::new(Self {
            encoded,
            ..self.clone()
        }))
    }

    fn parse(&self, chunk: Chunk, plan: &Plan) -> Result<Batch, EngineError> {
        let Body::Text(data) = chunk.body else {
            return Err(EngineError::internal("CSV comes as text"));
        };
        let (text, replaced) = text::valid(data, chunk.first_line);
        let width = plan.kinds.len();
        let mut cells = Cells::cut(&text.bytes, self.dialect, width, chunk.first_line);
        let rows = cells.rows();
        let mut batch = Batch {
            rows,
            columns: Vec::with_capacity(width),
            row_hashes: vec![0; rows],
            more: Vec::new(),
            notes: std::mem::take(&mut cells.notes),
        };
        replaced.note(&mut batch.notes);
        for (at, &kind) in plan.kinds.iter().enumerate() {
            let rules = &self.rules[plan.styles[at] as usize];
            let column = match cells.plain_column(at) {
                Some(plain) => build_column(kind, plain, rows, rules, Some(&text)),
                None => build_column(kind, cells.column(at), rows, rules, Some(&text)),
            };
            hash_rows(&column, &mut batch.row_hashes);
            batch.columns.push(column);
        }
        Ok(batch)
    }

    fn warnings(&self) -> Vec<Warning> {
        self.warnings.clone()
    }
}
