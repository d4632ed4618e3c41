//! Parquet for SQL: the columns of the profile with their native types.

use std::fs::File;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Decimal128Array, Float64Array, Int8Array, RecordBatch, StringArray,
    Time32MillisecondArray, Time64MicrosecondArray, TimestampSecondArray, UInt64Array,
};
use arrow::datatypes::{DataType, Float64Type, TimeUnit};
use lastcall_domain::{Cancel, Progress, ReadOptions};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::support::Bench;

/// The columns after they were converted.
fn converted(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let bench = Bench::new();
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let out = bench.path("out.parquet");
    let source = bench.source("in.parquet", bytes);
    bench
        .engine
        .to_parquet(
            source,
            &ReadOptions::default(),
            &out,
            &Cancel::new(),
            &Progress::new(),
        )
        .unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(out).unwrap()).unwrap();
    let metadata = Arc::clone(reader.metadata());
    for group in metadata.row_groups() {
        for column in group.columns() {
            let float = column.column_type() == parquet::basic::Type::DOUBLE;
            assert_eq!(column.statistics().is_none(), float, "{column:?}");
        }
    }
    reader.build().unwrap().next().unwrap().unwrap()
}

#[test]
fn floats_keep_nan_and_have_one_zero_and_no_statistics() {
    let rows = converted(vec![(
        "x",
        Arc::new(Float64Array::from(vec![
            Some(3.0),
            Some(f64::NAN),
            Some(-0.0),
            None,
        ])),
    )]);
    let x = rows.column(0).as_primitive::<Float64Type>();
    assert!(x.value(1).is_nan() && x.value(2).is_sign_positive() && x.is_null(3));
}

#[test]
fn only_nulls_are_null() {
    let rows = converted(vec![(
        "s",
        Arc::new(StringArray::from(vec![
            Some(""),
            Some("NA"),
            Some("x"),
            None,
        ])),
    )]);
    let texts: Vec<_> = rows.column(0).as_string_view().iter().collect();
    assert_eq!(texts, [Some(""), Some("NA"), Some("x"), None]);
}

#[test]
fn small_numbers_moments_and_times_have_one_type_each() {
    let rows = converted(vec![
        ("i", Arc::new(Int8Array::from(vec![100, -1]))),
        ("u", Arc::new(UInt64Array::from(vec![u64::MAX, 1]))),
        (
            "ts",
            Arc::new(TimestampSecondArray::from(vec![0, 253_402_300_799])),
        ),
        (
            "t",
            Arc::new(Time32MillisecondArray::from(vec![
                Some(1),
                Some(90_000_000),
            ])),
        ),
        ("m", Arc::new(Time64MicrosecondArray::from(vec![1, 2]))),
        (
            "d",
            Arc::new(
                Decimal128Array::from(vec![125, -1])
                    .with_precision_and_scale(10, 2)
                    .unwrap(),
            ),
        ),
    ]);
    let types: Vec<_> = rows
        .columns()
        .iter()
        .map(|c| c.data_type().clone())
        .collect();
    assert_eq!(
        types,
        [
            DataType::Int64,
            DataType::Decimal128(20, 0),
            DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
            DataType::Time64(TimeUnit::Nanosecond),
            DataType::Time64(TimeUnit::Nanosecond),
            DataType::Decimal128(10, 2),
        ]
    );
    // There are 24 hours in a day.
    assert!(rows.column(3).is_valid(0) && rows.column(3).is_null(1));
}
