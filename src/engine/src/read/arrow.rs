//! Arrow IPC, as a file or a stream. A file is read as the stream it contains, without its footer.
//! Sizes in messages are bounded before anything is allocated.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::buffer::Buffer;
use arrow::datatypes::{DataType, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::reader::{read_dictionary, read_record_batch};
use arrow::ipc::{MessageHeader, convert::fb_to_schema, root_as_message};
use lastcall_domain::ReadOptions;
use lastcall_domain::profile::Warning;

use super::columnar::{self, Declared};
use super::dataset::{Chunk, ChunkBody, Dataset, Input, MAX_COLUMNS, Plan, TypeGuess};
use super::guard::guarded;
use super::header as names;
use super::slices::Cutter;
use crate::batch::{Batch, hash_rows};
use crate::job::JobContext;
use crate::limits::Limits;
use crate::parse::{CellRules, TypeSet};
use crate::source::Stored;
use crate::{EngineError, Source};

/// The magic at the start of a file, before its stream.
const MAGIC: &[u8] = b"ARROW1\0\0";
/// The most words of eight bytes that may pad the magic.
const MAX_PADDING: usize = 7;
/// The marker before the length of a message, since format version 0.15.
const CONTINUATION: [u8; 4] = [0xff; 4];

/// A dataset of Arrow IPC.
pub(super) struct Arrow {
    source: Source,
    rules: CellRules,
    markers: bool,
    limits: Limits,
    names: Arc<Vec<String>>,
    schema: SchemaRef,
    warnings: Vec<Warning>,
}

impl Arrow {
    pub(super) fn open(
        source: &Source,
        options: &ReadOptions,
        limits: &Limits,
    ) -> Result<Self, EngineError> {
        let schema = Messages::open(source, limits)?.schema;
        if schema.fields().len() > MAX_COLUMNS {
            return Err(EngineError::TooManyColumns {
                limit: MAX_COLUMNS as u64,
            });
        }
        let given = schema.fields().iter();
        let given: Vec<Vec<u8>> = given
            .map(|field| field.name().as_bytes().to_vec())
            .collect();
        let (names, warnings) = names::names(&given);
        Ok(Self {
            source: source.clone(),
            rules: CellRules::new(options)?.seeded(source.seed),
            markers: options.missing.is_some(),
            limits: *limits,
            names: Arc::new(names),
            schema,
            warnings,
        })
    }

    fn declared(&self) -> impl Iterator<Item = Declared> {
        let fields = self.schema.fields().iter();
        fields.map(|field| Declared::of(field.data_type()))
    }
}

impl Dataset for Arrow {
    fn type_guesses(&self) -> Vec<TypeGuess> {
        let columns = self.names.iter().zip(self.declared());
        let guess = |(name, declared): (&String, Declared)| TypeGuess {
            name: name.clone(),
            kinds: declared.kinds(),
            varied: true,
        };
        columns.map(guess).collect()
    }

    fn declared(&self) -> Option<Vec<TypeSet>> {
        Some(self.declared().map(Declared::kinds).collect())
    }

    fn types(&self) -> Option<Vec<Option<DataType>>> {
        let fields = self.schema.fields().iter();
        Some(
            fields
                .map(|field| Some(field.data_type().clone()))
                .collect(),
        )
    }

    fn declared_is_final(&self) -> bool {
        let mut fields = self.schema.fields().iter();
        !fields.any(|field| matches!(field.data_type(), DataType::Decimal256(..)))
    }

    fn open(&self, _width: usize) -> Result<Box<dyn Input>, EngineError> {
        Ok(Box::new(Batches {
            messages: Messages::open(&self.source, &self.limits)?,
            names: Arc::clone(&self.names),
            limits: self.limits,
            parts: None,
            free: FREE_ROWS,
            read: 0,
        }))
    }

    fn parse(&self, chunk: Chunk, plan: &Plan) -> Result<Batch, EngineError> {
        let ChunkBody::Records(records) = chunk.body else {
            return Err(EngineError::internal("Arrow comes as records"));
        };
        let rows = records.num_rows();
        let mut batch = Batch {
            rows,
            row_hashes: vec![0; rows],
            ..Batch::default()
        };
        let markers = self.markers.then_some(&self.rules);
        let seed = self.rules.seed();
        let columns = records.columns().iter().zip(self.declared());
        for ((array, declared), &kind) in columns.zip(&plan.kinds) {
            let column = guarded(FORMAT, || {
                columnar::build(array, declared, kind, markers, seed).map_err(malformed)
            })?;
            hash_rows(&column, &mut batch.row_hashes, seed);
            batch.columns.push(column);
        }
        Ok(batch)
    }

    fn warnings(&self) -> Vec<Warning> {
        self.warnings.clone()
    }
}

struct Batches {
    messages: Messages,
    names: Arc<Vec<String>>,
    limits: Limits,
    /// The records that are not returned yet, and the size of their messages.
    parts: Option<(Cutter, usize)>,
    /// How many more rows may take no bytes.
    free: u64,
    read: u64,
}

/// Rows may take no bytes at all: those of missing values only, or of one long run. Their number is
/// bounded, as they cost time and memory here.
const FREE_ROWS: u64 = 1 << 24;
/// The most bytes of a part of a batch, unless a single record is larger.
const MAX_PART: usize = 16 << 20;

impl Batches {
    fn next_part(&mut self) -> Result<Option<RecordBatch>, EngineError> {
        let Some((cutter, bytes)) = &mut self.parts else {
            return Ok(None);
        };
        if let Some(part) = guarded(FORMAT, || cutter.next())? {
            return Ok(Some(part));
        }
        // Each part holds the whole message, even if that is far larger than its values.
        let most = MAX_PART.max(self.limits.record) + (1 << 20);
        if *bytes > most.saturating_mul(cutter.parts().max(1)) {
            return Err(malformed("a message is far larger than its values"));
        }
        self.parts = None;
        Ok(None)
    }
}

impl Input for Batches {
    fn next(&mut self, context: JobContext<'_>) -> Result<Option<Chunk>, EngineError> {
        loop {
            context.check()?;
            if let Some(records) = self.next_part()? {
                let first_line = self.read + 1;
                self.read += records.num_rows() as u64;
                return Ok(Some(Chunk {
                    body: ChunkBody::Records(records),
                    first_line,
                    done: self.messages.stored.done(),
                }));
            }
            let next = guarded(FORMAT, || self.messages.next_records(context));
            let Some((records, bytes)) = next? else {
                return Ok(None);
            };
            let beyond = (records.num_rows() as u64).saturating_sub(8 * bytes as u64);
            self.free = self.free.checked_sub(beyond).ok_or_else(|| {
                let detail = format!("more than {FREE_ROWS} of its rows take no bytes");
                EngineError::ResourceExhausted { detail }
            })?;
            // A batch may have any number of rows.
            let most = self.limits.rows(records.num_columns());
            let cutter = Cutter::new(records, &self.names, &self.limits, most);
            self.parts = Some((cutter, bytes));
        }
    }
}

const FORMAT: &str = "Arrow IPC";

fn malformed(detail: impl Into<String>) -> EngineError {
    EngineError::malformed(FORMAT, detail.into())
}

fn failed(error: ArrowError) -> EngineError {
    malformed(error.to_string())
}

/// The messages of a stream, one after the other.
struct Messages {
    stored: Stored,
    schema: SchemaRef,
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
    fn open(source: &Source, limits: &Limits) -> Result<Self, EngineError> {
        let mut stored = source.open()?;
        let mut start = [0; 8];
        let mut read = stored.fill(&mut start)?;
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
                    detail: "Arrow IPC in the big-endian order of bytes".into(),
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
                "a message of {bytes} bytes, and {} are the most for one",
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
    fn next_records(
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
