//! Records: a kind, a length and the data. Data that does not fit continues in `Continue` records.

use std::io::{ErrorKind, Read, Seek, SeekFrom};

use super::{malformed, reading};
use crate::EngineError;

/// `Continue`.
const CONTINUE: u16 = 0x003c;

/// A record, without its continuations.
pub(super) struct Record {
    pub(super) kind: u16,
    pub(super) data: Vec<u8>,
}

impl Record {
    /// The `N` bytes at an offset.
    pub(super) fn array<const N: usize>(&self, at: usize) -> Result<[u8; N], EngineError> {
        let bytes = self.data.get(at..).and_then(<[u8]>::first_chunk);
        bytes.copied().ok_or_else(cut_short)
    }

    pub(super) fn u8(&self, at: usize) -> Result<u8, EngineError> {
        self.array(at).map(|[byte]| byte)
    }

    pub(super) fn u16(&self, at: usize) -> Result<u16, EngineError> {
        self.array(at).map(u16::from_le_bytes)
    }

    pub(super) fn u32(&self, at: usize) -> Result<u32, EngineError> {
        self.array(at).map(u32::from_le_bytes)
    }

    pub(super) fn f64(&self, at: usize) -> Result<f64, EngineError> {
        self.array(at).map(f64::from_le_bytes)
    }
}

pub(super) fn cut_short() -> EngineError {
    malformed("a record is truncated")
}

/// The records of a stream, one after the other.
pub(super) struct Records<R> {
    stream: R,
    /// The kind and the length of the next record, if they are already read.
    ahead: Option<(u16, u16)>,
}

impl<R: Read + Seek> Records<R> {
    pub(super) fn new(stream: R) -> Self {
        Self {
            stream,
            ahead: None,
        }
    }

    /// Continues with the record at this offset of the stream.
    pub(super) fn seek(&mut self, at: u64) -> Result<(), EngineError> {
        self.ahead = None;
        let sought = self.stream.seek(SeekFrom::Start(at));
        match sought {
            Err(error) if error.kind() == ErrorKind::InvalidInput => {
                Err(malformed("a sheet begins beyond the end of the file"))
            }
            sought => sought.map(|_| ()).map_err(reading),
        }
    }

    /// The next record.
    pub(super) fn next(&mut self) -> Result<Option<Record>, EngineError> {
        let Some((kind, length)) = self.header()? else {
            return Ok(None);
        };
        let data = self.data(length)?;
        Ok(Some(Record { kind, data }))
    }

    /// The continuation of the last record, if the next one is one.
    pub(super) fn continued(&mut self) -> Result<Option<Vec<u8>>, EngineError> {
        match self.header()? {
            Some((CONTINUE, length)) => self.data(length).map(Some),
            _ => Ok(None),
        }
    }

    fn header(&mut self) -> Result<Option<(u16, u16)>, EngineError> {
        if self.ahead.is_none() {
            let mut header = Vec::with_capacity(4);
            let read = (&mut self.stream).take(4).read_to_end(&mut header);
            read.map_err(reading)?;
            // Bytes after the last record are padding.
            let Some([k0, k1, l0, l1]) = header.first_chunk() else {
                return Ok(None);
            };
            self.ahead = Some((
                u16::from_le_bytes([*k0, *k1]),
                u16::from_le_bytes([*l0, *l1]),
            ));
        }
        Ok(self.ahead)
    }

    fn data(&mut self, length: u16) -> Result<Vec<u8>, EngineError> {
        self.ahead = None;
        let mut data = vec![0; usize::from(length)];
        match self.stream.read_exact(&mut data) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                Err(malformed("the file ends within a record"))
            }
            read => read.map(|()| data).map_err(reading),
        }
    }
}
