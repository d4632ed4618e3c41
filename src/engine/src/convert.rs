//! Converts a dataset to Parquet, or infers its schema only.

mod records;
mod texts;

use std::fs::File;
use std::io::Seek as _;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int64Array, RecordBatch,
    TimestampMicrosecondArray, new_null_array,
};
use arrow::buffer::NullBuffer;
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use lastcall_domain::{ReadOptions, ReadReport};
use parquet::arrow::ArrowWriter;
use parquet::errors::ParquetError;

use crate::batch::{Batch, ColumnBatch, Values};
use crate::job::JobContext;
use crate::parse::{CellRules, Kind};
use crate::pipeline::{self, Consumer, Resources};
use crate::read;
use crate::read::dataset::{ChunkBody, Dataset, Plan};
use crate::schema::InferredSchema;
use crate::source::{decompressed_limit, decompression_bomb};
use crate::{Description, EngineError, Source, passes};

/// A row group is written once it has this many bytes or rows.
const GROUP_BYTES: usize = 16 << 20;
const GROUP_ROWS: usize = 256 << 10;

/// The columns, inferred from all rows, and how they were read.
pub(crate) fn describe(
    source: &Source,
    options: &ReadOptions,
    resources: &Resources<'_>,
    context: JobContext<'_>,
) -> Result<Description, EngineError> {
    let dataset = read::open(source, options, resources, context)?;
    let found = find_plan(dataset, resources, context)?;
    context.progress.set(1.0);
    Ok(found.description)
}

/// A dataset whose columns are known.
struct Found {
    dataset: Box<dyn Dataset>,
    plan: Plan,
    description: Description,
}

/// Reads everything once to infer the columns; a format with a schema is not read.
fn find_plan(
    mut dataset: Box<dyn Dataset>,
    resources: &Resources<'_>,
    context: JobContext<'_>,
) -> Result<Found, EngineError> {
    loop {
        let assumed = InferredSchema::new(&*dataset).plan();
        if dataset.declared_is_final() {
            let read = dataset.report();
            return Ok(found(dataset, assumed, None, read));
        }
        let mut inferred = InferredSchema::nothing(&*dataset, &assumed);
        let consumer = SchemaConsumer(&mut inferred);
        let parse = |chunk| dataset.parse(chunk, &assumed);
        pipeline::run(
            dataset.open(assumed.names.len())?,
            &parse,
            vec![Box::new(consumer)],
            resources,
            context,
        )?;
        match dataset.in_other_encoding().filter(|_| inferred.is_latin()) {
            Some(other) => dataset = other,
            None => {
                let read = inferred.report(&*dataset)?;
                let plan = inferred.plan();
                return Ok(found(dataset, plan, Some(inferred.rows), read));
            }
        }
    }
}

fn found(dataset: Box<dyn Dataset>, plan: Plan, rows: Option<u64>, read: ReadReport) -> Found {
    let types = plan.kinds.iter().map(|kind| kind.column_type());
    let columns = plan.shown_names().into_iter().zip(types);
    let description = Description {
        columns: columns
            .map(|(name, kind)| lastcall_domain::Field { name, kind })
            .collect(),
        rows,
        read,
    };
    Found {
        dataset,
        plan,
        description,
    }
}

struct SchemaConsumer<'a>(&'a mut InferredSchema);

impl Consumer for SchemaConsumer<'_> {
    fn consume(&mut self, batch: &Batch, _context: JobContext<'_>) -> Result<(), EngineError> {
        self.0.add(batch)
    }
}

/// Writes the dataset to `out` as Parquet, and replaces its contents.
pub(crate) fn to_parquet(
    source: &Source,
    options: &ReadOptions,
    out: &File,
    resources: &Resources<'_>,
    context: JobContext<'_>,
) -> Result<Description, EngineError> {
    let dataset = read::open(source, options, resources, context)?;
    if dataset.types().is_none() {
        let most = decompressed_limit(source.size()?);
        return write_inferred(dataset, out, most, resources, context);
    }
    let Found {
        dataset,
        plan,
        description,
    } = find_plan(dataset, resources, context)?;
    let declared = dataset.types().unwrap_or_default();
    let types: Vec<DataType> = declared
        .iter()
        .map(|found| found.as_ref().map_or(texts::TEXT, records::data_type))
        .collect();
    let most = decompressed_limit(source.size()?);
    let mut consumer = WriterConsumer::begin(out, &plan, &types, most)?;
    // Texts are only missing if the options list markers.
    let markers = options.missing.is_some().then(|| CellRules::new(options));
    let markers = markers.transpose()?;
    write_records(
        &*dataset,
        &declared,
        &plan,
        markers.as_ref(),
        &mut consumer,
        context,
    )?;
    consumer.finish()?;
    context.progress.set(1.0);
    Ok(description)
}

/// Writes rows while their types are inferred: once if the guessed types hold.
fn write_inferred(
    dataset: Box<dyn Dataset>,
    out: &File,
    most: u64,
    resources: &Resources<'_>,
    context: JobContext<'_>,
) -> Result<Description, EngineError> {
    let stable = passes::infer_until_stable(
        dataset,
        resources,
        context,
        |plan| {
            let types: Vec<DataType> = plan.kinds.iter().map(|kind| data_type(*kind)).collect();
            WriterConsumer::begin(out, plan, &types, most)
        },
        |consumer| vec![Box::new(consumer)],
    )?;
    let read = stable.inferred.report(&*stable.dataset)?;
    stable.state?.finish()?;
    context.progress.set(1.0);
    let rows = Some(stable.inferred.rows);
    Ok(found(stable.dataset, stable.plan, rows, read).description)
}

/// Writes rows that are already columns.
fn write_records(
    dataset: &dyn Dataset,
    declared: &[Option<DataType>],
    plan: &Plan,
    markers: Option<&CellRules>,
    consumer: &mut WriterConsumer,
    context: JobContext<'_>,
) -> Result<(), EngineError> {
    let mut input = dataset.open(plan.names.len())?;
    while let Some(chunk) = input.next(context)? {
        let ChunkBody::Records(rows) = chunk.body else {
            return Err(EngineError::internal("columns with types come as records"));
        };
        let mut read = rows.columns().iter();
        let mut columns = Vec::with_capacity(declared.len());
        let targets = consumer.schema.fields().iter().zip(&plan.kinds);
        for (found, (field, kind)) in declared.iter().zip(targets) {
            let array = match found {
                Some(_) => read.next().cloned(),
                None => Some(new_null_array(&texts::TEXT, rows.num_rows())),
            };
            let array = array.ok_or_else(|| malformed("a column is missing"))?;
            let column = records::column(&array, field.data_type(), *kind, markers);
            columns.push(column.map_err(malformed)?);
        }
        consumer.write(rows.num_rows(), columns, context)?;
        context.progress.set(chunk.done);
    }
    Ok(())
}

fn malformed(detail: impl Into<String>) -> EngineError {
    EngineError::malformed("Parquet", detail.into())
}

fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Boolean => DataType::Boolean,
        Kind::Integer => DataType::Int64,
        Kind::Large => DataType::Decimal128(38, 0),
        Kind::Float | Kind::Decimal => DataType::Float64,
        Kind::Date(_) => DataType::Date32,
        Kind::Timestamp(_) => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Kind::Text => texts::TEXT,
    }
}

fn failed(error: ParquetError) -> EngineError {
    match error {
        ParquetError::External(error) => match error.downcast::<std::io::Error>() {
            Ok(io) => EngineError::Io(*io),
            Err(other) => EngineError::internal(other.to_string()),
        },
        other => EngineError::internal(other.to_string()),
    }
}

struct WriterConsumer {
    writer: ArrowWriter<File>,
    schema: SchemaRef,
    /// The most bytes of the file: repeated texts may take far fewer in the dataset.
    most: u64,
}

impl Consumer for &mut Result<WriterConsumer, EngineError> {
    fn consume(&mut self, batch: &Batch, context: JobContext<'_>) -> Result<(), EngineError> {
        let consumer = match self {
            Ok(consumer) => consumer,
            Err(error) => return Err(std::mem::replace(error, EngineError::Cancelled)),
        };
        if batch.columns.iter().any(|column| !column.fits) || !batch.more.is_empty() {
            // If the plan does not hold, the file is written again with another plan.
            return Ok(());
        }
        context.check()?;
        let arrays = batch.columns.iter().zip(consumer.schema.fields());
        let arrays = arrays
            .map(|(column, field)| array(column, field.data_type()))
            .collect();
        consumer.write(batch.rows, arrays, context)
    }
}

impl WriterConsumer {
    /// Starts the file, or restarts it, with the columns of a plan.
    fn begin(out: &File, plan: &Plan, types: &[DataType], most: u64) -> Result<Self, EngineError> {
        let names = plan.shown_names();
        let properties = records::properties(names.iter().zip(types));
        let fields = names.iter().zip(types);
        let schema = Arc::new(Schema::new(
            fields
                .map(|(name, data_type)| Field::new(name, data_type.clone(), true))
                .collect::<Vec<_>>(),
        ));
        let mut file = out.try_clone()?;
        file.set_len(0)?;
        file.rewind()?;
        let writer =
            ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties)).map_err(failed)?;
        Ok(Self {
            writer,
            schema,
            most,
        })
    }

    fn finish(self) -> Result<(), EngineError> {
        Ok(self.writer.into_inner().map_err(failed)?.sync_all()?)
    }

    fn write(
        &mut self,
        rows: usize,
        columns: Vec<ArrayRef>,
        context: JobContext<'_>,
    ) -> Result<(), EngineError> {
        if columns.is_empty() {
            // Parquet cannot represent rows without columns.
            return match rows {
                0 => Ok(()),
                _ => Err(EngineError::Unsupported {
                    detail: "its rows have no columns".into(),
                }),
            };
        }
        let records = RecordBatch::try_new(Arc::clone(&self.schema), columns)
            .map_err(|error| EngineError::internal(error.to_string()))?;
        self.write_pieces(records, context)
    }

    /// Writes in pieces: the writer holds repeated texts repeatedly, up to the size of a row group.
    fn write_pieces(
        &mut self,
        records: RecordBatch,
        context: JobContext<'_>,
    ) -> Result<(), EngineError> {
        let mut pieces = vec![records];
        while let Some(piece) = pieces.pop() {
            let rows = piece.num_rows();
            if rows > 1 && texts::bytes(&piece) > GROUP_BYTES {
                let half = rows / 2;
                pieces.push(piece.slice(half, rows - half));
                pieces.push(piece.slice(0, half));
                continue;
            }
            context.check()?;
            self.writer.write(&piece).map_err(failed)?;
            if self.writer.in_progress_size() > GROUP_BYTES {
                self.writer.flush().map_err(failed)?;
            }
            if self.writer.bytes_written() as u64 > self.most {
                return Err(decompression_bomb());
            }
        }
        Ok(())
    }
}

fn array(column: &ColumnBatch, data_type: &DataType) -> ArrayRef {
    let missing = &column.missing;
    let nulls = |rows: usize| {
        (missing.count() > 0).then(|| {
            (0..rows)
                .map(|row| !missing.at(row))
                .collect::<NullBuffer>()
        })
    };
    match &column.values {
        Values::Floats(values) => {
            let floats: Vec<f64> = values.iter().map(|&x| records::one_zero(x)).collect();
            Arc::new(Float64Array::new(floats.into(), nulls(values.len())))
        }
        Values::Decimals(decimals) => {
            let nulls = nulls(decimals.digits.len());
            let digits = decimals.digits.clone();
            let array = Decimal128Array::new(digits.into(), nulls);
            let scale = i8::try_from(decimals.scale).unwrap_or(0);
            let array: ArrayRef = match array.with_precision_and_scale(38, scale) {
                Ok(array) => Arc::new(array),
                Err(_) => return new_null_array(data_type, decimals.digits.len()),
            };
            cast(&array, data_type)
                .unwrap_or_else(|_| new_null_array(data_type, decimals.digits.len()))
        }
        Values::Text(texts) => self::texts::array(texts, missing),
        Values::Integers(values) => match data_type {
            DataType::Boolean => {
                let cell = |row: usize| (!missing.at(row)).then(|| values[row] != 0);
                Arc::new((0..values.len()).map(cell).collect::<BooleanArray>())
            }
            DataType::Date32 => {
                // The years 1 to 9999 fit into 32 bits of days.
                let days: Vec<i32> = values
                    .iter()
                    .map(|&days| i32::try_from(days).unwrap_or_default())
                    .collect();
                Arc::new(Date32Array::new(days.into(), nulls(values.len())))
            }
            DataType::Timestamp(_, _) => {
                let array =
                    TimestampMicrosecondArray::new(values.clone().into(), nulls(values.len()));
                Arc::new(array.with_timezone("UTC"))
            }
            _ => Arc::new(Int64Array::new(values.clone().into(), nulls(values.len()))),
        },
    }
}
