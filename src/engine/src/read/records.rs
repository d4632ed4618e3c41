//! Text cut into chunks of whole records.

use memchr::{memchr, memchr_iter, memrchr};

use super::text::TextStream;
use super::{Body, Chunk, Input};
use crate::EngineError;
use crate::ctl::Ctl;
use crate::limits::Limits;

/// Knows where records end.
pub(crate) trait Splitter: Send {
    /// The end of the record that begins at `from`; `None` where the data ends before.
    fn record_end(&self, data: &[u8], from: usize) -> Option<usize>;

    /// The end of the last whole record of data that begins with a record.
    fn last_record_end(&self, data: &[u8]) -> Option<usize>;

    /// In the last record of a dataset: where a quote is opened that is never closed, and in
    /// which column, counted from 1.
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

/// A line without a cell: nothing, or blanks that delimit none.
pub(crate) fn is_blank(record: &[u8], delimiter: u8) -> bool {
    record
        .iter()
        .all(|&byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n') && byte != delimiter)
}

/// Chunks of whole records.
pub(crate) struct Records<S> {
    stream: TextStream,
    splitter: S,
    chunk: usize,
    largest: usize,
    /// What was read beyond the last chunk.
    rest: Vec<u8>,
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
            rest: Vec::new(),
            line: 1,
            ended: false,
        }
    }

    /// The next record, with its line feed; nothing at the end of the data.
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
        self.line += memchr_iter(b'\n', &data).count() as u64;
        data
    }

    /// Reads as much again as there is, at least a chunk, so that a long record is searched for
    /// its end a few times only.
    fn read_more(&mut self) -> Result<(), EngineError> {
        if self.rest.len() > self.largest {
            return Err(EngineError::RecordTooLarge {
                line: self.line,
                limit: self.largest as u64,
            });
        }
        let most = self.chunk.max(self.rest.len());
        self.ended = self.stream.read(&mut self.rest, most)? == 0;
        Ok(())
    }

    /// At the end of the data no quote may be open.
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
            detail: "a quote is opened and never closed".into(),
        })
    }
}

impl<S: Splitter> Input for Records<S> {
    fn next(&mut self, ctl: Ctl<'_>) -> Result<Option<Chunk>, EngineError> {
        loop {
            ctl.check()?;
            let end = if self.ended {
                self.check_closed()?;
                Some(self.rest.len())
            } else if self.rest.len() >= self.chunk {
                self.splitter.last_record_end(&self.rest)
            } else {
                None
            };
            match end {
                None => self.read_more()?,
                Some(0) => return Ok(None),
                Some(end) => {
                    let first_line = self.line;
                    return Ok(Some(Chunk {
                        body: Body::Text(self.take(end)),
                        first_line,
                        done: self.stream.done(),
                    }));
                }
            }
        }
    }
}
