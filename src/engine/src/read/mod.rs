//! Readers: from bytes to batches.
//!
//! A reader yields chunks one after the other ([`Input`](dataset::Input)); chunks are parsed into
//! batches independently of one another ([`Dataset::parse`](dataset::Dataset::parse)), on as many
//! threads as there are.

mod arrow;
pub(crate) mod build;
mod columnar;
mod columns;
pub(crate) mod csv;
pub(crate) mod dataset;
mod guard;
mod header;
pub(crate) mod json;
pub(crate) mod line_ends;
mod measure;
pub(crate) mod name_bytes;
mod ndjson;
mod nested;
mod parquet;
pub(crate) mod records;
mod referred;
mod slices;
pub(crate) mod text;
mod xlsx;

use lastcall_domain::{Format, ReadOptions};

pub(crate) use self::measure::view_length;
pub(crate) use self::slices::LONG;
pub(crate) use columnar::{Declared, MAX_SCALE, build as column_of, floats};

use self::columns::Selected;
use self::dataset::Dataset;
use crate::job::JobContext;
use crate::pipeline::Resources;
use crate::{EngineError, Source};

/// Sniffs the start of a dataset, and prepares it for reading.
pub(crate) fn open(
    source: &Source,
    options: &ReadOptions,
    resources: &Resources<'_>,
    context: JobContext<'_>,
) -> Result<Box<dyn Dataset>, EngineError> {
    context.check()?;
    options.check()?;
    let dataset = open_whole(source, options, resources, context)?;
    match &options.columns {
        None => Ok(dataset),
        Some(columns) => Selected::of(dataset, columns, source),
    }
}

fn open_whole(
    source: &Source,
    options: &ReadOptions,
    resources: &Resources<'_>,
    context: JobContext<'_>,
) -> Result<Box<dyn Dataset>, EngineError> {
    let limits = &resources.limits;
    match source.format {
        Format::Csv | Format::Tsv => Ok(Box::new(csv::Csv::open(source, options, limits)?)),
        Format::Arrow => Ok(Box::new(self::arrow::Arrow::open(source, options, limits)?)),
        Format::Ndjson | Format::Json => {
            Ok(Box::new(ndjson::Ndjson::open(source, options, limits)?))
        }
        Format::Parquet => Ok(Box::new(parquet::Parquet::open(
            source,
            options,
            limits,
            resources.scratch,
            context,
        )?)),
        Format::Xlsx | Format::Xls | Format::Ods => Ok(Box::new(xlsx::Sheet::open(
            source, options, resources, context,
        )?)),
    }
}
