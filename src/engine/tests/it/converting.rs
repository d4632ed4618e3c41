//! Parquet and schemas with the types that all rows allow.

use std::path::Path;

use lastcall_domain::profile::ColumnType;
use lastcall_domain::{Cancel, Format, Progress, ReadOptions};
use lastcall_engine::Source;

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

/// Correlation and comparison read what a query has had converted, where it is there.
#[test]
fn the_columns_go_together_and_differ_as_those_of_the_file_do() {
    let bench = Bench::new();
    let messy: String = (0..300)
        .map(|n| {
            let missing = ["NA", "", "-"][n % 3];
            let price = format!("{}.{:03},{:02} €", n % 7, n, n % 100);
            let share = if n % 11 == 0 { missing } else { "12,5 %" };
            let day = format!("{:02}.{:02}.2024", n % 28 + 1, n % 12 + 1);
            let large = 10_u128.pow(20) + n as u128;
            format!(
                "{n:05};{price};{share};{day};{large};{};t{}\n",
                n % 2 == 0,
                n % 5
            )
        })
        .collect();
    let messy = format!("id;preis;anteil;tag;groß;ja;text\n{messy}");
    std::fs::write(bench.path("messy.csv"), messy).unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/fixtures");
    let fixtures = std::fs::read_dir(fixtures).unwrap();
    let fixtures = fixtures.map(|entry| entry.unwrap().path());
    let mut compared = 0;
    for path in fixtures.chain([bench.path("messy.csv")]) {
        let Some(format) = path.to_str().and_then(Format::from_file_name) else {
            continue;
        };
        let (read, cancel, progress) = (ReadOptions::default(), Cancel::new(), Progress::new());
        let source = || Source::new(&path, format);
        let out = bench.path("out.parquet");
        let converted = bench
            .engine
            .to_parquet(source(), &read, &out, &cancel, &progress);
        if converted.is_err() {
            continue;
        }
        let columns = || Source {
            name: source().name,
            ..Source::new(&out, Format::Parquet)
        };
        let correlation = |source| bench.engine.correlation(source, &read, &cancel, &progress);
        let of_file = correlation(source()).unwrap();
        assert_eq!(correlation(columns()).unwrap(), of_file, "{path:?}");
        let compare = |source: &dyn Fn() -> Source| {
            let pair = (source(), source());
            bench
                .engine
                .compare(pair.0, pair.1, &read, &cancel, &progress)
        };
        let of_file = compare(&source).unwrap();
        assert_eq!(compare(&columns).unwrap(), of_file, "{path:?}");
        compared += 1;
    }
    assert!(compared > 20, "{compared} files can be converted");
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
