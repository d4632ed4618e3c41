//! Apache Parquet. Types are those of the file, so that no cell is looked at to find them, and what
//! statistics tell is not read.

mod known;

use std::fs::File;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Schema, SchemaRef};
use lastcall_domain::ReadOptions;
use lastcall_domain::profile::Warning;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader,
    ParquetRecordBatchReaderBuilder,
};

use self::known::{known, repeated};
use super::columnar::{self, Declared};
use super::{Body, Chunk, Dataset, Input, Look, MAX_COLUMNS, Plan, header};
use crate::batch::{Batch, hash_rows};
use crate::cell::{CellRules, Kinds};
use crate::ctl::Ctl;
use crate::{EngineError, Source};

/// How much one batch may take in memory, about.
const BATCH_BYTES: i64 = 2 << 20;
const MOST_ROWS: i64 = 8192;

/// A Parquet dataset.
pub(super) struct Parquet {
    file: File,
    rules: CellRules,
    names: Vec<String>,
    declared: Vec<Declared>,
    warnings: Vec<Warning>,
    batch_rows: usize,
    metadata: ArrowReaderMetadata,
}

impl Parquet {
    pub(super) fn open(
        source: &Source,
        options: &ReadOptions,
        scratch: &Path,
        ctl: Ctl<'_>,
    ) -> Result<Self, EngineError> {
        let file = source.open_seekable(scratch, ctl)?;
        let metadata = guarded(|| {
            ArrowReaderMetadata::load(&file, ArrowReaderOptions::default())
                .map_err(|e| e.to_string())
        })?;
        let schema: &Schema = metadata.schema();
        if schema.fields().len() > MAX_COLUMNS {
            return Err(EngineError::TooManyColumns {
                limit: MAX_COLUMNS as u64,
            });
        }
        let given: Vec<Vec<u8>> = schema
            .fields()
            .iter()
            .map(|field| field.name().as_bytes().to_vec())
            .collect();
        let (names, warnings) = header::names(&given);
        let types: Vec<&DataType> = schema
            .fields()
            .iter()
            .map(|field| field.data_type())
            .collect();
        let groups = metadata.metadata().row_groups();
        let rows: i64 = groups.iter().map(|group| group.num_rows()).sum();
        let bytes: i64 = groups.iter().map(|group| group.total_byte_size()).sum();
        let row_bytes = bytes
            .checked_div(rows)
            .unwrap_or(0)
            .max(8 * types.len() as i64)
            .max(1);
        let batch_rows = (BATCH_BYTES / row_bytes).clamp(1, MOST_ROWS);
        Ok(Self {
            rules: CellRules::new(options)?,
            declared: types.into_iter().map(Declared::of).collect(),
            names,
            warnings,
            batch_rows: usize::try_from(batch_rows).unwrap_or(1),
            file,
            metadata,
        })
    }
}

/// Files are made by others: whatever is wrong with one is its fault, not ours, even where the
/// library panics over it.
fn guarded<T>(read: impl FnOnce() -> Result<T, String>) -> Result<T, EngineError> {
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err("its structure contradicts itself".into()))
        .map_err(|detail| EngineError::malformed("Parquet", detail))
}

impl Dataset for Parquet {
    fn first_look(&self) -> Vec<Look> {
        let columns = self.names.iter().zip(&self.declared);
        let look = |(name, declared): (&String, &Declared)| Look {
            name: name.clone(),
            kinds: declared.kinds(),
            varied: true,
        };
        columns.map(look).collect()
    }

    fn declared(&self) -> Option<Vec<Kinds>> {
        let declared = self.declared.iter();
        Some(declared.map(|declared| declared.kinds()).collect())
    }

    fn declared_is_final(&self) -> bool {
        !self.declared.contains(&Declared::Large)
    }

    fn open(&self) -> Result<Box<dyn Input>, EngineError> {
        let rows = self.metadata.metadata().file_metadata().num_rows();
        Ok(Box::new(Batches {
            file: self.file.try_clone()?,
            metadata: self.metadata.clone(),
            batch_rows: self.batch_rows,
            group: None,
            groups: 0..self.metadata.metadata().num_row_groups(),
            rows: u64::try_from(rows).unwrap_or(0),
            read: 0,
        }))
    }

    fn parse(&self, chunk: Chunk, plan: &Plan) -> Result<Batch, EngineError> {
        let Body::Records(records) = chunk.body else {
            return Err(EngineError::internal("Parquet comes as records"));
        };
        let rows = records.num_rows();
        let mut batch = Batch {
            rows,
            row_hashes: vec![0; rows],
            ..Batch::default()
        };
        let columns = records.columns().iter().zip(&self.declared);
        for ((array, declared), &kind) in columns.zip(&plan.kinds) {
            let column = guarded(|| columnar::build(array, *declared, kind, &self.rules))?;
            hash_rows(&column, &mut batch.row_hashes);
            batch.columns.push(column);
        }
        Ok(batch)
    }

    fn warnings(&self) -> Vec<Warning> {
        self.warnings.clone()
    }
}

struct Batches {
    file: File,
    metadata: ArrowReaderMetadata,
    batch_rows: usize,
    group: Option<Group>,
    /// Those that are still to be read.
    groups: Range<usize>,
    rows: u64,
    read: u64,
}

/// A row group that is being read.
struct Group {
    reader: ParquetRecordBatchReader,
    /// The columns that need no reading.
    known: Vec<Option<ArrayRef>>,
}

impl Batches {
    fn open_group(&self, number: usize) -> Result<Group, String> {
        let metadata = self.metadata.metadata();
        let known = known(metadata, self.metadata.schema(), number);
        let unknown = known
            .iter()
            .enumerate()
            .filter(|(_, known)| known.is_none());
        let mask = ProjectionMask::roots(
            metadata.file_metadata().schema_descr(),
            unknown.map(|(column, _)| column),
        );
        let file = self.file.try_clone().map_err(|e| e.to_string())?;
        let reader =
            ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone())
                .with_row_groups(vec![number])
                .with_projection(mask)
                .with_batch_size(self.batch_rows)
                .build()
                .map_err(|e| e.to_string())?;
        Ok(Group { reader, known })
    }

    fn next_records(&mut self) -> Result<Option<RecordBatch>, String> {
        loop {
            if let Some(group) = &mut self.group
                && let Some(records) = group.reader.next()
            {
                let records = records.map_err(|e| e.to_string())?;
                return group.completed(&records, self.metadata.schema()).map(Some);
            }
            let Some(number) = self.groups.next() else {
                return Ok(None);
            };
            self.group = Some(self.open_group(number)?);
        }
    }
}

impl Group {
    /// The rows with the columns that were not read.
    fn completed(&self, read: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, String> {
        let rows = read.num_rows();
        let mut read = read.columns().iter();
        let mut columns = Vec::with_capacity(self.known.len());
        for known in &self.known {
            columns.push(match known {
                Some(value) => repeated(value, rows)?,
                None => read.next().cloned().ok_or("a column is missing")?,
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        RecordBatch::try_new_with_options(schema.clone(), columns, &options)
            .map_err(|e| e.to_string())
    }
}

impl Input for Batches {
    fn next(&mut self, ctl: Ctl<'_>) -> Result<Option<Chunk>, EngineError> {
        ctl.check()?;
        let next = guarded(|| self.next_records())?;
        Ok(next.map(|records| {
            let first_line = self.read + 1;
            self.read += records.num_rows() as u64;
            Chunk {
                body: Body::Records(records),
                first_line,
                done: self.read as f64 / self.rows.max(1) as f64,
            }
        }))
    }
}
