//! Splits text into chunks of complete records.

use memchr::{memchr, memchr_iter, memrchr};

use super::dataset::{Chunk, ChunkBody, Input};
use super::text::TextStream;
use crate::EngineError;
use crate::job::JobContext;
use crate::limits::Limits;

/// How many lines at the end of the data are kept in one chunk, for the footer.
const LAST_LINES: u64 = 24;

/// Finds the ends of records.
pub(crate) trait Splitter: Send {
    /// The end of the record that begins at `from`; `None` if the data ends before.
    fn record_end(&self, data: &[u8], from: usize) -> Option<usize>;

    /// The end of the last complete record of data that begins with a record.
    fn last_record_end(&self, data: &[u8]) -> Option<usize>;

    /// In the last record of a dataset: the position of a quote that is never closed, and its
    /// column, counted from 1.
    fn open_quote(&self, record: &[u8]) -> Option<(usize, usize)>;
}

/// Every line is a record.
pub(crate) struct Lines;

impl Splitter for Lines {
    fn record_end(&self, data: &[u8], from: usize) -> Option<usize> {
        Some(from + memchr(b'\n', &data[from..])? + 1)
    }

    fn last_record_end(&self, data: &[u8]) -> Option<usize> {
        Some(memrchr(b'\n', data)? + 1)
    }

    fn open_quote(&self, _record: &[u8]) -> Option<(usize, usize)> {
        None
    }
}

/// Whether a line is empty or has only blanks that are not delimiters.
pub(crate) fn is_blank(record: &[u8], delimiter: u8) -> bool {
    record
        .iter()
        .all(|&byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n') && byte != delimiter)
}

/// Chunks of complete records.
pub(crate) struct Records<S> {
    stream: TextStream,
    splitter: S,
    chunk: usize,
    largest: usize,
    /// The most records of a chunk.
    most: usize,
    /// How many bytes at the end of the data are kept in one chunk.
    hold: usize,
    /// Data after the last chunk.
    rest: Vec<u8>,
    /// Complete records that exceed a chunk, and the offset of those not returned yet.
    whole: Vec<u8>,
    start: usize,
    line: u64,
    ended: bool,
}

impl<S: Splitter> Records<S> {
    pub(crate) fn new(stream: TextStream, splitter: S, limits: &Limits) -> Self {
        Self {
            stream,
            splitter,
            chunk: limits.chunk,
            largest: limits.record,
            most: usize::MAX,
            hold: 0,
            rest: Vec::new(),
            whole: Vec::new(),
            start: 0,
            line: 1,
            ended: false,
        }
    }

    /// Limits the records of a chunk: short ones may take far more memory as cells than as text.
    pub(crate) fn at_most(self, most: usize) -> Self {
        Self { most, ..self }
    }

    /// Keeps the last `hold` bytes in one chunk.
    pub(crate) fn holding(self, hold: usize) -> Self {
        Self { hold, ..self }
    }

    /// Whether all chunks were returned.
    pub(crate) fn is_at_end(&self) -> bool {
        self.ended && self.rest.is_empty() && self.start >= self.whole.len()
    }

    /// Skips lines regardless of their contents.
    pub(crate) fn skip_lines(&mut self, mut lines: u64) -> Result<(), EngineError> {
        while lines > 0 {
            match memchr(b'\n', &self.rest) {
                Some(at) => {
                    self.take(at + 1);
                    lines -= 1;
                }
                None if self.ended => {
                    self.take(self.rest.len());
                    return Ok(());
                }
                None => self.read_more()?,
            }
        }
        Ok(())
    }

    /// The next record with its line feed; empty at the end of the data.
    pub(crate) fn take_record(&mut self) -> Result<Vec<u8>, EngineError> {
        loop {
            if let Some(end) = self.splitter.record_end(&self.rest, 0) {
                return Ok(self.take(end));
            }
            if self.ended {
                self.check_closed()?;
                return Ok(self.take(self.rest.len()));
            }
            self.read_more()?;
        }
    }

    fn take(&mut self, end: usize) -> Vec<u8> {
        let rest = self.rest.split_off(end);
        let data = std::mem::replace(&mut self.rest, rest);
        self.line += count_lines(&data);
        data
    }

    /// A chunk of complete records, or the first of several.
    fn take_chunk(&mut self, end: usize) -> Chunk {
        let first_line = self.line;
        let data = self.take(end);
        // A record has at least one line.
        if self.line - first_line <= self.most as u64 {
            return self.chunk(data, first_line);
        }
        self.line = first_line;
        self.whole = data;
        self.start = 0;
        self.take_part()
    }

    fn take_part(&mut self) -> Chunk {
        let first_line = self.line;
        let whole = &self.whole[self.start..];
        let data = first(&self.splitter, whole, self.most);
        // The last rows are kept together with a possible footer.
        let few = count_lines(&whole[data.len()..]) <= LAST_LINES;
        let data = if self.hold > 0 && few { whole } else { data }.to_vec();
        let end = self.start + data.len();
        self.line += count_lines(&data);
        self.start = end;
        self.chunk(data, first_line)
    }

    fn chunk(&self, data: Vec<u8>, first_line: u64) -> Chunk {
        Chunk {
            body: ChunkBody::Text(data),
            first_line,
            done: self.stream.done(),
        }
    }

    /// Doubles the data, by at least a chunk, so that a long record is only scanned a few times.
    fn read_more(&mut self) -> Result<(), EngineError> {
        if self.rest.len() > self.largest + self.hold {
            return Err(EngineError::RecordTooLarge {
                line: self.line,
                limit: self.largest as u64,
            });
        }
        let least = (self.chunk + self.hold).saturating_sub(self.rest.len());
        let most = if least > 0 { least } else { self.rest.len() };
        self.ended = self.stream.read(&mut self.rest, most)? == 0;
        Ok(())
    }

    /// Fails if a quote is open at the end of the data.
    fn check_closed(&self) -> Result<(), EngineError> {
        let data = &self.rest;
        let mut start = 0;
        while let Some(end) = self.splitter.record_end(data, start) {
            start = end;
        }
        let Some((quote, column)) = self.splitter.open_quote(&data[start..]) else {
            return Ok(());
        };
        let lines = memchr_iter(b'\n', &data[..start + quote]).count() as u64;
        Err(EngineError::Malformed {
            format: "CSV",
            line: Some(self.line + lines),
            column: Some(column as u64),
            detail: "a quote is opened and never closed; with an empty `quote` it is a character"
                .into(),
        })
    }
}

/// The first records of data, at most `most`.
pub(crate) fn first<'d>(splitter: &impl Splitter, data: &'d [u8], most: usize) -> &'d [u8] {
    // A record has at least one line.
    if memchr_iter(b'\n', data)
        .nth(most.saturating_sub(1))
        .is_none()
    {
        return data;
    }
    let mut end = 0;
    for _ in 0..most {
        match splitter.record_end(data, end) {
            Some(next) => end = next,
            None => return data,
        }
    }
    &data[..end]
}

fn count_lines(data: &[u8]) -> u64 {
    memchr_iter(b'\n', data).count() as u64
}

impl<S: Splitter> Input for Records<S> {
    fn next(&mut self, context: JobContext<'_>) -> Result<Option<Chunk>, EngineError> {
        loop {
            context.check()?;
            if self.start < self.whole.len() {
                return Ok(Some(self.take_part()));
            }
            let end = if self.ended {
                self.check_closed()?;
                Some(self.rest.len())
            } else if self.rest.len() >= self.chunk + self.hold {
                let end = self.rest.len() - self.hold;
                self.splitter.last_record_end(&self.rest[..end])
            } else {
                None
            };
            match end {
                None => self.read_more()?,
                Some(0) => return Ok(None),
                Some(end) => return Ok(Some(self.take_chunk(end))),
            }
        }
    }
}
