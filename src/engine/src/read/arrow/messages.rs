//! The messages of a stream of Arrow IPC.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::ipc::reader::{read_dictionary, read_record_batch};
use arrow::ipc::{MessageHeader, convert::fb_to_schema, root_as_message};

use super::{FORMAT, malformed};
use crate::job::JobContext;
use crate::limits::Limits;
use crate::read::guard::guarded;
use crate::source::Stored;
use crate::{EngineError, Source};

/// The magic at the start of a file, before its stream.
const MAGIC: &[u8] = b"ARROW1\0\0";
/// The most words of eight bytes that may pad the magic.
const MAX_PADDING: usize = 7;
/// The marker before the length of a message, since format version 0.15.
const CONTINUATION: [u8; 4] = [0xff; 4];

fn failed(error: ArrowError) -> EngineError {
    malformed(error.to_string())
}

/// The messages of a stream, one after the other.
pub(super) struct Messages {
    pub(super) stored: Stored,
    pub(super) schema: SchemaRef,
    dictionaries: HashMap<i64, ArrayRef>,
    /// The bytes of each dictionary, which are held until it is replaced.
    sizes: HashMap<i64, usize>,
    /// The bytes of all dictionaries.
    held: usize,
    /// The limit for a message, and for all dictionaries together.
    most: usize,
    ended: bool,
}

impl Messages {
    pub(super) fn open(source: &Source, limits: &Limits) -> Result<Self, EngineError> {
        let mut stored = source.open()?;
        let mut start = [0; 8];
        let mut read = stored.fill(&mut start)?;
        if start[..read].starts_with(b"FEA1") {
            return Err(EngineError::Unsupported {
                detail: "Feather of version 1: write it as version 2, which is Arrow IPC".into(),
            });
        }
        if start[..read] == *MAGIC {
            read = stored.fill(&mut start)?;
            // Writers align the first message to up to 64 bytes.
            for _ in 0..MAX_PADDING {
                if read < start.len() || start != [0; 8] {
                    break;
                }
                read = stored.fill(&mut start)?;
            }
        }
        let mut messages = Self {
            stored,
            schema: Arc::new(arrow::datatypes::Schema::empty()),
            dictionaries: HashMap::new(),
            sizes: HashMap::new(),
            held: 0,
            most: limits.pages,
            ended: false,
        };
        let header = messages
            .header(&start[..read])?
            .ok_or_else(|| malformed("there is no schema"))?;
        guarded(FORMAT, || {
            let message = root_as_message(&header).map_err(|error| malformed(error.to_string()))?;
            let schema = message.header_as_schema();
            let schema = schema.ok_or_else(|| malformed("it does not begin with a schema"))?;
            if schema.endianness() == arrow::ipc::Endianness::Big {
                return Err(EngineError::Unsupported {
                    detail: "big-endian Arrow IPC".into(),
                });
            }
            messages.schema = Arc::new(fb_to_schema(schema));
            Ok(())
        })?;
        Ok(messages)
    }

    /// The metadata of the next message; `start` has its first eight bytes if they are already
    /// read.
    fn header(&mut self, start: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        let mut prefix = [0; 8];
        prefix[..start.len()].copy_from_slice(start);
        let mut read = start.len();
        if read == 0 {
            read = self.stored.fill(&mut prefix[..4])?;
            if read == 4 && prefix[..4] == CONTINUATION {
                read += self.stored.fill(&mut prefix[4..])?;
            }
        }
        let word = |at: usize| {
            let bytes: [u8; 4] = prefix[at..at + 4].try_into().unwrap_or_default();
            u32::from_le_bytes(bytes) as usize
        };
        let marked = read >= 4 && prefix[..4] == CONTINUATION;
        let (length, rest): (usize, &[u8]) = match (marked, read) {
            (_, 0) => return Ok(None),
            (true, 8) => (word(4), &[]),
            // Before format version 0.15 there was no marker.
            (false, 8) => (word(0), &prefix[4..]),
            (false, 4) => (word(0), &[]),
            _ => return Err(malformed("the data ends within a message")),
        };
        if length == 0 {
            return Ok(None);
        }
        if length > self.most || length < rest.len() {
            return Err(self.too_large(length));
        }
        let mut header = vec![0; length];
        header[..rest.len()].copy_from_slice(rest);
        self.read(&mut header[rest.len()..])?;
        Ok(Some(header))
    }

    fn too_large(&self, bytes: usize) -> EngineError {
        EngineError::ResourceExhausted {
            detail: format!(
                "a message has {bytes} bytes, more than the limit of {}",
                self.most
            ),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<(), EngineError> {
        // The claimed length is only allocated if there are as many bytes.
        if self.stored.fill(buffer)? < buffer.len() {
            return Err(malformed("the data ends within a message"));
        }
        Ok(())
    }

    /// The next records, and the bytes of their message and of the dictionaries just replaced,
    /// which earlier records may still refer to.
    pub(super) fn next_records(
        &mut self,
        context: JobContext<'_>,
    ) -> Result<Option<(RecordBatch, usize)>, EngineError> {
        let mut replaced = 0;
        while !self.ended {
            context.check()?;
            let Some(header) = self.header(&[])? else {
                self.ended = true;
                return Ok(None);
            };
            let message = root_as_message(&header).map_err(|error| malformed(error.to_string()))?;
            let length = usize::try_from(message.bodyLength())
                .map_err(|_| malformed("a message has a negative length"))?;
            if length.saturating_add(self.held) > self.most {
                return Err(self.too_large(length));
            }
            let mut body = Vec::new();
            self.read_body(&mut body, length, context)?;
            let body = Buffer::from_vec(body);
            let version = message.version();
            match message.header_type() {
                MessageHeader::RecordBatch => {
                    let batch = message.header_as_record_batch();
                    let batch = batch.ok_or_else(|| malformed("a batch is missing"))?;
                    if batch.compression().is_some() {
                        return Err(compressed());
                    }
                    let schema = Arc::clone(&self.schema);
                    let records =
                        read_record_batch(&body, batch, schema, &self.dictionaries, None, &version);
                    let records = records.map_err(failed)?;
                    return Ok(Some((records, header.len() + length + replaced)));
                }
                MessageHeader::DictionaryBatch => {
                    let batch = message.header_as_dictionary_batch();
                    let batch = batch.ok_or_else(|| malformed("a dictionary is missing"))?;
                    if batch
                        .data()
                        .is_some_and(|data| data.compression().is_some())
                    {
                        return Err(compressed());
                    }
                    let before = self.sizes.get(&batch.id()).copied();
                    let kept = before.filter(|_| batch.isDelta()).unwrap_or(0);
                    self.sizes.insert(batch.id(), kept + length);
                    self.held = self.held + kept + length - before.unwrap_or(0);
                    if before.is_some() {
                        replaced += kept + length;
                    }
                    read_dictionary(&body, batch, &self.schema, &mut self.dictionaries, &version)
                        .map_err(failed)?;
                }
                MessageHeader::Schema => return Err(malformed("there is a second schema")),
                other => {
                    return Err(EngineError::Unsupported {
                        detail: format!("Arrow IPC with messages of type {other:?}"),
                    });
                }
            }
        }
        Ok(None)
    }

    /// Reads the body of a message in pieces, as the claimed length may be wrong.
    fn read_body(
        &mut self,
        body: &mut Vec<u8>,
        length: usize,
        context: JobContext<'_>,
    ) -> Result<(), EngineError> {
        const PIECE: usize = 1 << 20;
        while body.len() < length {
            context.check()?;
            let start = body.len();
            body.resize(length.min(start + PIECE), 0);
            self.read(&mut body[start..])?;
        }
        Ok(())
    }
}

fn compressed() -> EngineError {
    EngineError::Unsupported {
        detail: "the buffers of Arrow IPC are compressed: write it without compression".into(),
    }
}
