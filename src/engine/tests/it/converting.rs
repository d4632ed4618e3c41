//! Parquet and schemas with the types that all rows allow.

use lastcall_domain::profile::ColumnType;
use lastcall_domain::{Cancel, Progress, ReadOptions};

use crate::support::{Bench, column};

#[test]
fn the_schema_is_that_of_all_rows() {
    let bench = Bench::new();
    let csv = [
        "a,b\n".to_owned(),
        "1,2\n".repeat(200_000),
        "x,2.5\n".into(),
    ]
    .concat();
    let source = bench.source("a.csv", csv);
    let schema = bench
        .engine
        .schema(source, &ReadOptions::default(), &Cancel::new())
        .unwrap();
    assert_eq!(
        schema,
        [
            ("a".into(), ColumnType::String),
            ("b".into(), ColumnType::Float)
        ]
    );
}

#[test]
fn a_converted_dataset_has_the_same_figures() {
    let bench = Bench::new();
    let csv = include_str!("fixtures/survey.csv");
    let before = bench.profile("a.csv", csv);
    let out = bench.path("out.parquet");
    let progress = Progress::new();
    let schema = bench
        .engine
        .to_parquet(
            bench.source("b.csv", csv),
            &ReadOptions::default(),
            &out,
            &Cancel::new(),
            &progress,
        )
        .unwrap();
    let after = bench.profile("c.parquet", std::fs::read(&out).unwrap());
    assert_eq!(after.columns, before.columns);
    assert_eq!(after.correlations, before.correlations);
    assert_eq!(schema[5], ("city".into(), ColumnType::String));
    assert!((progress.get() - 1.0).abs() < f64::EPSILON);
}

#[test]
fn a_file_that_was_removed_meanwhile_does_not_come_back() {
    let bench = Bench::new();
    let out = bench.path("out.parquet");
    let file = std::fs::File::create(&out).unwrap();
    std::fs::remove_file(&out).unwrap();
    // The last row makes a text of the column: what was written is written once more.
    let rows = "1\n".repeat(100_000);
    let written = bench.engine.materialize(
        bench.source("a.csv", format!("n\n{rows}no\n")),
        &ReadOptions::default(),
        &file,
        &Cancel::new(),
        &Progress::new(),
    );
    assert_eq!(written.unwrap().columns[0].kind, ColumnType::String);
    assert!(file.metadata().unwrap().len() > 0);
    assert!(!out.exists());
}

#[test]
fn leading_zeros_survive_the_conversion() {
    let bench = Bench::new();
    let out = bench.path("out.parquet");
    let source = bench.source("a.csv", "zip,n\n01234,1\n,2\n");
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
    let profile = bench.profile("b.parquet", std::fs::read(&out).unwrap());
    let zip = column(&profile, "zip");
    assert_eq!((zip.kind, zip.missing), (ColumnType::String, 1));
    assert_eq!(zip.top[0].value, "01234");
}

#[test]
fn rows_without_a_column_cannot_be_converted_and_nobody_tries_again() {
    let bench = Bench::new();
    let out = bench.path("out.parquet");
    let convert = |lines: &str| {
        let source = bench.source("a.ndjson", lines);
        let options = ReadOptions::default();
        bench
            .engine
            .to_parquet(source, &options, &out, &Cancel::new(), &Progress::new())
    };
    let error = convert("{}\n{}\n").unwrap_err();
    assert_eq!(
        (error.code(), error.retryable()),
        ("unsupported_data", false)
    );
    assert!(convert("\n").unwrap().is_empty());
}

#[test]
fn what_was_not_finished_is_removed() {
    let bench = Bench::new();
    let out = bench.path("out.parquet");
    let cancel = Cancel::new();
    cancel.cancel();
    let source = bench.source("a.csv", "a\n1\n");
    let error = bench
        .engine
        .to_parquet(
            source,
            &ReadOptions::default(),
            &out,
            &cancel,
            &Progress::new(),
        )
        .unwrap_err();
    assert_eq!(error.code(), "cancelled");
    let source = bench.source("b.csv", "a,b\n1,\"x\n");
    let options = ReadOptions::default();
    let failed = bench
        .engine
        .to_parquet(source, &options, &out, &Cancel::new(), &Progress::new());
    assert_eq!(failed.unwrap_err().code(), "malformed_data");
    assert!(!out.exists());
}
