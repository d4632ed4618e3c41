//! Arrow IPC, as a file or a stream. A file is read as the stream it contains, without its footer.
//! Sizes in messages are bounded before anything is allocated.

mod messages;

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, SchemaRef};
use lastcall_domain::ReadOptions;
use lastcall_domain::profile::Warning;

use self::messages::Messages;
use super::columnar::{self, Declared};
use super::dataset::{Chunk, ChunkBody, Dataset, Input, MAX_COLUMNS, Plan, TypeGuess};
use super::guard::guarded;
use super::header;
use super::slices::Cutter;
use crate::batch::{Batch, hash_rows};
use crate::job::JobContext;
use crate::limits::Limits;
use crate::parse::{CellRules, TypeSet};
use crate::{EngineError, Source};

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
        let (names, warnings) = header::bounded(&given)?;
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
