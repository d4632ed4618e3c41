//! Apache Parquet. The file declares types, so no cell is inspected to infer them. Everything else
//! in the metadata (rows, sizes, statistics) is only a hint; the data itself counts.

mod budget;
mod codec;
mod column;
mod delta;
mod footer;
mod group;
mod header;
mod levels;
mod pages;
mod schema;
mod thrift;

use std::fs::File;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use arrow::datatypes::DataType;
use lastcall_domain::ReadOptions;
use lastcall_domain::profile::Warning;
use parquet::arrow::FieldLevels;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use self::budget::Budget;
use self::footer::{failed, malformed};
use self::group::Group;
use super::columnar::{self, Declared};
use super::dataset::{Chunk, ChunkBody, Dataset, Input, MAX_COLUMNS, Plan, TypeGuess};
use super::guard::guarded;
use super::header as names;
use super::slices::Cutter;
use crate::batch::{Batch, hash_rows};
use crate::job::JobContext;
use crate::limits::Limits;
use crate::parse::{CellRules, TypeSet};
use crate::{EngineError, Source};

/// The approximate memory of a batch, by the sizes in the footer.
const BATCH_BYTES: u64 = 2 << 20;
const MAX_ROWS: usize = 8192;
/// Smaller batches cost more than they save.
const MIN_ROWS: usize = 64;

/// A Parquet dataset.
pub(super) struct Parquet {
    file: Arc<File>,
    rules: CellRules,
    /// Whether the options list markers of missing texts.
    markers: bool,
    limits: Limits,
    names: Arc<Vec<String>>,
    /// The type of each column; `None` if it cannot have values.
    types: Vec<Option<DataType>>,
    warnings: Vec<Warning>,
    batch_rows: usize,
    metadata: Arc<ParquetMetaData>,
    levels: Arc<FieldLevels>,
}

impl Parquet {
    pub(super) fn open(
        source: &Source,
        options: &ReadOptions,
        limits: &Limits,
        scratch: &Path,
        context: JobContext<'_>,
    ) -> Result<Self, EngineError> {
        let file = source.open_seekable(scratch, context)?;
        let loaded = guarded("Parquet", || footer::load(&file))?;
        let metadata = Arc::clone(loaded.metadata());
        let descriptor = metadata.file_metadata().schema_descr();
        let types = schema::columns(descriptor, loaded.schema());
        if types.len() > MAX_COLUMNS {
            return Err(EngineError::TooManyColumns {
                limit: MAX_COLUMNS as u64,
            });
        }
        let roots = descriptor.root_schema().get_fields().iter();
        let given: Vec<Vec<u8>> = roots.map(|root| root.name().as_bytes().to_vec()).collect();
        let (names, warnings) = names::bounded(&given)?;
        let levels = guarded("Parquet", || {
            schema::levels(descriptor, loaded.schema()).map_err(failed)
        })?;
        Ok(Self {
            rules: CellRules::new(options)?.seeded(source.seed),
            markers: options.missing.is_some(),
            limits: *limits,
            batch_rows: batch_rows(&metadata, limits),
            file: Arc::new(file),
            names: Arc::new(names),
            types,
            warnings,
            levels: Arc::new(levels),
            metadata,
        })
    }

    fn declared(&self) -> impl Iterator<Item = Declared> {
        let types = self.types.iter();
        types.map(|found| found.as_ref().map_or(Declared::Text, Declared::of))
    }
}

/// How many rows are decoded at a time.
fn batch_rows(metadata: &ParquetMetaData, limits: &Limits) -> usize {
    let sum = |of: fn(&parquet::file::metadata::RowGroupMetaData) -> i64| {
        let groups = metadata.row_groups().iter();
        groups.fold(0u64, |sum, group| {
            sum.saturating_add(u64::try_from(of(group)).unwrap_or(0))
        })
    };
    let descriptor = metadata.file_metadata().schema_descr();
    let columns = descriptor.num_columns();
    let bytes = sum(|group| group.total_byte_size())
        .checked_div(sum(|group| group.num_rows()))
        .unwrap_or(0)
        .max(8 * columns as u64)
        .max(1);
    let hinted = usize::try_from(BATCH_BYTES / bytes).unwrap_or(MAX_ROWS);
    let fitting = limits.batch / schema::fixed_bytes(descriptor).max(1);
    hinted
        .clamp(MIN_ROWS, MAX_ROWS)
        .min(limits.rows(columns))
        .min(fitting.max(1))
}

impl Dataset for Parquet {
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
        Some(self.types.clone())
    }

    fn declared_is_final(&self) -> bool {
        // Only values of these types may exceed the digits of a decimal.
        let mut types = self.types.iter().flatten();
        !types.any(|found| matches!(found, DataType::Decimal256(..)))
    }

    fn open(&self, _width: usize) -> Result<Box<dyn Input>, EngineError> {
        let groups = self.metadata.row_groups().iter();
        Ok(Box::new(Batches {
            file: Arc::clone(&self.file),
            metadata: Arc::clone(&self.metadata),
            levels: Arc::clone(&self.levels),
            names: Arc::clone(&self.names),
            limits: self.limits,
            budget: Budget::new(self.limits.pages, self.limits.record),
            batch_rows: self.batch_rows,
            reader: None,
            parts: None,
            groups: 0..self.metadata.num_row_groups(),
            rows: groups.map(|group| group.num_rows() as f64).sum(),
            read: 0,
        }))
    }

    fn parse(&self, chunk: Chunk, plan: &Plan) -> Result<Batch, EngineError> {
        let ChunkBody::Records(records) = chunk.body else {
            return Err(EngineError::internal("Parquet comes as records"));
        };
        let rows = records.num_rows();
        let mut batch = Batch {
            rows,
            row_hashes: vec![0; rows],
            ..Batch::default()
        };
        let markers = self.markers.then_some(&self.rules);
        let mut read = records.columns().iter();
        for (column, &kind) in self.types.iter().zip(&plan.kinds) {
            let (array, declared): (ArrayRef, _) = match column {
                Some(data_type) => {
                    let array = read.next().cloned();
                    let array = array.ok_or_else(|| malformed("a column is missing"))?;
                    (array, Declared::of(data_type))
                }
                None => (new_null_array(&DataType::Utf8View, rows), Declared::Text),
            };
            let column = guarded("Parquet", || {
                columnar::build(&array, declared, kind, markers, self.rules.seed())
                    .map_err(malformed)
            })?;
            hash_rows(&column, &mut batch.row_hashes, self.rules.seed());
            batch.columns.push(column);
        }
        Ok(batch)
    }

    fn warnings(&self) -> Vec<Warning> {
        self.warnings.clone()
    }
}

struct Batches {
    file: Arc<File>,
    metadata: Arc<ParquetMetaData>,
    levels: Arc<FieldLevels>,
    names: Arc<Vec<String>>,
    limits: Limits,
    budget: Arc<Budget>,
    batch_rows: usize,
    reader: Option<ParquetRecordBatchReader>,
    /// The records that are not returned yet.
    parts: Option<Cutter>,
    /// The row groups that are not read yet.
    groups: Range<usize>,
    rows: f64,
    read: u64,
}

impl Batches {
    fn open_group(
        &self,
        number: usize,
        context: JobContext<'_>,
    ) -> Result<ParquetRecordBatchReader, ParquetError> {
        let group = Group {
            file: Arc::clone(&self.file),
            metadata: Arc::clone(&self.metadata),
            number,
            budget: Arc::clone(&self.budget),
            stop: context.stop_flag(),
        };
        let rows = group.rows_at_a_time(self.batch_rows, &self.limits)?;
        ParquetRecordBatchReader::try_new_with_row_groups(&self.levels, &group, rows, None)
    }

    fn next_records(
        &mut self,
        context: JobContext<'_>,
    ) -> Result<Option<RecordBatch>, EngineError> {
        loop {
            if let Some(reader) = &mut self.reader
                && let Some(records) = reader.next()
            {
                return records
                    .map(Some)
                    .map_err(|error| self.budget.to_engine_error(error.into()));
            }
            // Free its pages before reading others.
            self.reader = None;
            let Some(number) = self.groups.next() else {
                return Ok(None);
            };
            self.reader = Some(
                self.open_group(number, context)
                    .map_err(|error| self.budget.to_engine_error(error))?,
            );
        }
    }
}

impl Input for Batches {
    fn next(&mut self, context: JobContext<'_>) -> Result<Option<Chunk>, EngineError> {
        loop {
            context.check()?;
            if let Some(parts) = &mut self.parts
                && let Some(records) = guarded("Parquet", || parts.next())?
            {
                let first_line = self.read + 1;
                self.read += records.num_rows() as u64;
                return Ok(Some(Chunk {
                    body: ChunkBody::Records(records),
                    first_line,
                    done: self.read as f64 / self.rows.max(1.0),
                }));
            }
            // Free its values before reading others.
            self.parts = None;
            let next = guarded("Parquet", || self.next_records(context));
            // A stopped reader fails as if the file were corrupt.
            context.check()?;
            let Some(records) = next? else {
                return Ok(None);
            };
            let rows = records.num_rows();
            self.parts = Some(Cutter::new(records, &self.names, &self.limits, rows));
        }
    }
}
