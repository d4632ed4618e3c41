//! CSV and TSV.

mod cells;
mod dialect;
mod header;
mod sniff;

use lastcall_domain::profile::Warning;
use lastcall_domain::{Format, ReadOptions};
use memchr::memchr_iter;

use self::cells::Cells;
use self::dialect::Dialect;
use super::build::build_column;
use super::text::{self, Encoded, TextStream};
use super::{Body, Chunk, Dataset, Input, MAX_COLUMNS, Plan};
use crate::batch::{Batch, hash_rows};
use crate::cell::{CellRules, Kind, Kinds};
use crate::ctl::Ctl;
use crate::limits::Limits;
use crate::{EngineError, Source};

/// A CSV dataset whose dialect is known.
pub(super) struct Csv {
    source: Source,
    encoded: Encoded,
    dialect: Dialect,
    rules: CellRules,
    limits: Limits,
    names: Vec<String>,
    kinds: Vec<Kinds>,
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
        let comment = sniff::ascii("comment", options.comment)?;
        let delimiter = match sniff::ascii("delimiter", options.delimiter)? {
            Some(given) => given,
            None if source.format == Format::Tsv => b'\t',
            None => sniff::delimiter(&sample, comment),
        };
        let mut csv = Self {
            source: source.clone(),
            encoded,
            dialect: Dialect { delimiter, comment },
            rules,
            limits: *limits,
            names: Vec::new(),
            kinds: Vec::new(),
            warnings: Vec::new(),
        };
        csv.read_header()?;
        csv.look_at(&sample);
        Ok(csv)
    }

    /// Reads the names of the columns from the first record, however long that is.
    fn read_header(&mut self) -> Result<(), EngineError> {
        let (_, record) = Records::open(self)?;
        let header = Cells::cut_record(&record, self.dialect);
        if header.len() > MAX_COLUMNS {
            return Err(EngineError::TooManyColumns {
                limit: MAX_COLUMNS as u64,
            });
        }
        (self.names, self.warnings) = header::names(&header);
        Ok(())
    }

    /// Finds out what the first cells may be read as.
    fn look_at(&mut self, sample: &[u8]) {
        let mut start = 0;
        while let Some(end) = self.dialect.record_end(sample, start) {
            let skip = is_blank(&sample[start..end]) || self.dialect.comments(sample, start);
            start = end;
            if !skip {
                break;
            }
        }
        let whole = if sample.len() < text::SAMPLE {
            sample.len()
        } else {
            start + self.dialect.last_record_end(&sample[start..]).unwrap_or(0)
        };
        let rows = if start == 0 {
            &[][..]
        } else {
            &sample[start..whole]
        };
        let cells = Cells::cut(rows, self.dialect, self.names.len(), 1);
        self.kinds = (0..self.names.len())
            .map(|at| build_column(Kind::Text, cells.column(at), cells.rows(), &self.rules).kinds)
            .collect();
    }
}

/// A line without a cell.
fn is_blank(record: &[u8]) -> bool {
    matches!(record, b"" | b"\n" | b"\r\n" | b"\r")
}

impl Dataset for Csv {
    fn first_look(&self) -> (Vec<String>, Vec<Kinds>) {
        (self.names.clone(), self.kinds.clone())
    }

    fn open(&self) -> Result<Box<dyn Input>, EngineError> {
        let (records, _) = Records::open(self)?;
        Ok(Box::new(records))
    }

    fn parse(&self, chunk: Chunk, plan: &Plan) -> Result<Batch, EngineError> {
        let Body::Text(data) = chunk.body;
        let (data, replaced) = text::valid(data, chunk.first_line);
        let mut cells = Cells::cut(&data, self.dialect, plan.kinds.len(), chunk.first_line);
        let rows = cells.rows();
        let mut batch = Batch {
            rows,
            columns: Vec::with_capacity(plan.kinds.len()),
            row_hashes: vec![0; rows],
            notes: std::mem::take(&mut cells.notes),
        };
        replaced.note(&mut batch.notes);
        for (at, &kind) in plan.kinds.iter().enumerate() {
            let column = build_column(kind, cells.column(at), rows, &self.rules);
            hash_rows(&column, &mut batch.row_hashes);
            batch.columns.push(column);
        }
        Ok(batch)
    }

    fn warnings(&self) -> Vec<Warning> {
        self.warnings.clone()
    }
}

/// Chunks of whole records.
struct Records {
    stream: TextStream,
    dialect: Dialect,
    limits: Limits,
    /// What was read beyond the last chunk.
    rest: Vec<u8>,
    line: u64,
    ended: bool,
}

impl Records {
    /// Opens the dataset, and takes the header off it: blank lines and comments before it are
    /// passed over.
    fn open(csv: &Csv) -> Result<(Self, Vec<u8>), EngineError> {
        let mut records = Self {
            stream: csv.encoded.stream(&csv.source)?,
            dialect: csv.dialect,
            limits: csv.limits,
            rest: Vec::new(),
            line: 1,
            ended: false,
        };
        loop {
            let record = records.take_record()?;
            records.line += memchr_iter(b'\n', &record).count() as u64;
            let over = record.is_empty();
            if over || !(is_blank(&record) || records.dialect.comments(&record, 0)) {
                return Ok((records, record));
            }
        }
    }

    /// The next record, with its line feed.
    fn take_record(&mut self) -> Result<Vec<u8>, EngineError> {
        loop {
            if let Some(end) = self.dialect.record_end(&self.rest, 0) {
                let rest = self.rest.split_off(end);
                return Ok(std::mem::replace(&mut self.rest, rest));
            }
            if self.ended {
                self.check_closed()?;
                return Ok(std::mem::take(&mut self.rest));
            }
            self.read_more()?;
        }
    }

    /// Reads as much again as there is, at least a chunk, so that a long record is searched for
    /// its end a few times only.
    fn read_more(&mut self) -> Result<(), EngineError> {
        if self.rest.len() > self.limits.record {
            return Err(EngineError::RecordTooLarge {
                line: self.line,
                limit: self.limits.record as u64,
            });
        }
        let most = self.limits.chunk.max(self.rest.len());
        self.ended = self.stream.read(&mut self.rest, most)? == 0;
        Ok(())
    }

    /// At the end of the data no quote may be open.
    fn check_closed(&self) -> Result<(), EngineError> {
        let data = &self.rest;
        let mut start = 0;
        while let Some(end) = self.dialect.record_end(data, start) {
            start = end;
        }
        let Some(quote) = self.dialect.open_quote(&data[start..]) else {
            return Ok(());
        };
        let before = &data[..start + quote];
        let line_start = memchr::memrchr(b'\n', before).map_or(0, |at| at + 1);
        let column = Cells::cut_record(&data[start..start + quote], self.dialect).len();
        let _ = line_start;
        Err(EngineError::Malformed {
            format: "CSV",
            line: Some(self.line + memchr_iter(b'\n', before).count() as u64),
            column: Some(column.max(1) as u64),
            detail: "a quote is opened and never closed".into(),
        })
    }
}

impl Input for Records {
    fn next(&mut self, ctl: Ctl<'_>) -> Result<Option<Chunk>, EngineError> {
        loop {
            ctl.check()?;
            let enough = self.rest.len() >= self.limits.chunk;
            let end = match (enough, self.ended) {
                (_, true) => {
                    self.check_closed()?;
                    Some(self.rest.len())
                }
                (true, false) => self.dialect.last_record_end(&self.rest),
                (false, false) => None,
            };
            let Some(end) = end else {
                self.read_more()?;
                continue;
            };
            if end == 0 {
                return Ok(None);
            }
            let rest = self.rest.split_off(end);
            let data = std::mem::replace(&mut self.rest, rest);
            let first_line = self.line;
            self.line += memchr_iter(b'\n', &data).count() as u64;
            return Ok(Some(Chunk {
                body: Body::Text(data),
                first_line,
                done: self.stream.done(),
            }));
        }
    }
}
