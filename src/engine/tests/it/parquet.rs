//! Parquet files: the data counts, not the metadata.

use std::fs::File;
use std::process::{Command, Stdio};
use std::sync::Arc;

use ::parquet::file::reader::{FileReader, SerializedFileReader};
use arrow::array::BinaryArray;
use lastcall_domain::profile::ColumnType;
use lastcall_domain::{Cancel, ProfileOptions, Progress, ReadOptions};

use crate::support::{Bench, column, parquet, top, types, warning};

macro_rules! fixture {
    ($name:literal) => {
        (
            $name,
            include_bytes!(concat!("fixtures/", $name)).as_slice(),
        )
    };
}

/// A file that the engine itself wrote.
fn written(bench: &Bench, csv: &str) -> Vec<u8> {
    let out = bench.path("written.parquet");
    let source = bench.source("source.csv", csv);
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
    std::fs::read(out).unwrap()
}

/// Where the pages of a column are.
fn pages_of(bench: &Bench, bytes: &[u8], column: usize) -> std::ops::Range<usize> {
    let path = bench.path("looked-at.parquet");
    std::fs::write(&path, bytes).unwrap();
    let reader = SerializedFileReader::new(File::open(&path).unwrap()).unwrap();
    let (start, length) = reader.metadata().row_group(0).column(column).byte_range();
    start as usize..(start + length) as usize
}

#[test]
fn rows_are_counted_by_reading_them() {
    let (name, bytes) = fixture!("footer-says-0-rows.parquet");
    let profile = Bench::new().profile(name, bytes);
    assert_eq!(profile.dataset.rows, 6);
    let id = column(&profile, "id").numeric.as_ref().unwrap();
    assert_eq!(serde_json::json!(id.sum), 21);
}

#[test]
fn statistics_are_not_believed() {
    let (name, bytes) = fixture!("wrong-statistics.parquet");
    let profile = Bench::new().profile(name, bytes);
    assert_eq!(
        top(column(&profile, "A")),
        [("2021-01-01T12:00:00Z".into(), 5)]
    );
}

#[test]
fn a_column_of_one_value_is_read_as_any_other() {
    let bench = Bench::new();
    let mut bytes = written(&bench, &format!("a,b\n{}", "1,x\n".repeat(20_000)));
    let profile = bench.profile("a.parquet", &bytes);
    assert_eq!(profile.dataset.rows, 20_000);
    assert_eq!(column(&profile, "b").top[0].count, 20_000);
    let pages = pages_of(&bench, &bytes, 1);
    bytes[pages].fill(0);
    let damaged = bench.failure("b.parquet", &bytes);
    assert!(damaged.starts_with("malformed_data"), "{damaged}");
}

#[test]
fn only_nulls_are_missing_unless_the_request_says_what_is() {
    let (name, bytes) = fixture!("empty-strings.parquet");
    let bench = Bench::new();
    let profile = bench.profile(name, bytes);
    let texts = column(&profile, "s");
    assert_eq!((texts.missing, texts.distinct), (1, 3));
    let options = ProfileOptions {
        read: ReadOptions {
            missing: Some(vec!["NA".into()]),
            ..ReadOptions::default()
        },
        ..ProfileOptions::default()
    };
    let profile = bench.try_profile(name, bytes, &options).unwrap();
    assert_eq!(column(&profile, "s").missing, 2);
    let (name, bytes) = fixture!("struct-of-nulls.parquet");
    assert_eq!(bench.profile(name, bytes).dataset.missing_cells, 0);
}

#[test]
fn names_that_repeat_are_numbered() {
    let (name, bytes) = fixture!("repeated-name.parquet");
    let profile = Bench::new().profile(name, bytes);
    let names: Vec<_> = profile.columns.iter().map(|column| &column.name).collect();
    assert_eq!(names, ["a", "a.1", "b"]);
}

#[test]
fn times_out_of_range_are_missing_with_a_warning() {
    let bench = Bench::new();
    let (name, bytes) = fixture!("time-out-of-range.parquet");
    let profile = bench.profile(name, bytes);
    assert_eq!(column(&profile, "col33").missing, 3);
    assert_eq!(column(&profile, "col32").missing, 0);
    let told = warning(&profile, "out_of_range");
    assert_eq!(told.count, 3);
    assert!(told.detail.contains("col33 (3)"), "{}", told.detail);
    let (name, bytes) = fixture!("timestamp-sentinel.parquet");
    let profile = bench.profile(name, bytes);
    let ts = column(&profile, "ts");
    assert_eq!((ts.kind, ts.missing), (ColumnType::Timestamp, 1));
    assert!(warning(&profile, "out_of_range").detail.contains("ts (1)"));
}

#[test]
fn what_other_libraries_write_oddly_is_read() {
    let bench = Bench::new();
    let (name, bytes) = fixture!("empty-group.parquet");
    let profile = bench.profile(name, bytes);
    assert_eq!((profile.dataset.rows, profile.dataset.columns), (1, 3));
    assert_eq!(column(&profile, "nested").missing, 1);
    assert_eq!(top(column(&profile, "optional_data")), [("100".into(), 1)]);
    let (name, bytes) = fixture!("null-converted-type.parquet");
    let profile = bench.profile(name, bytes);
    assert_eq!((profile.dataset.rows, types(&profile).len()), (0, 4));
}

#[test]
fn values_that_swell_are_refused_before_they_do() {
    let bench = Bench::new();
    for (name, bytes) in [
        fixture!("one-long-cell.parquet"),
        fixture!("one-long-list.parquet"),
    ] {
        let refused = bench.failure(name, bytes);
        assert!(
            refused.starts_with("record_too_large: a value of column"),
            "{refused}"
        );
    }
}

#[test]
fn encrypted_files_are_reported_as_such() {
    let bench = Bench::new();
    let mut bytes = written(&bench, "a\n1\n");
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(b"PARE");
    let refused = bench.failure("a.parquet", &bytes);
    assert!(refused.starts_with("unsupported_data"), "{refused}");
    assert!(refused.contains("encrypted"), "{refused}");
}

/// Flips a bit at many places of a file, and cuts it. Whatever comes of it, it ends, and nothing is
/// printed of a library that panics.
#[test]
fn broken_files_end_in_errors_and_print_nothing() {
    const ALONE: &str = "TEST_IN_A_PROCESS_OF_ITS_OWN";
    if std::env::var_os(ALONE).is_none() {
        let name = "parquet::broken_files_end_in_errors_and_print_nothing";
        let mut alone = Command::new(std::env::current_exe().unwrap());
        alone.args(["--exact", name, "--nocapture"]).env(ALONE, "1");
        let ended = alone
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{printed}");
        assert_eq!(printed, "");
        return;
    }
    let bench = Bench::new();
    let mut csv = String::from("n,word,x,day\n");
    for row in 0..300 {
        csv.push_str(&format!(
            "{row},word {},{}.5,2012-01-31\n",
            row % 7,
            row * 3
        ));
    }
    let whole = written(&bench, &csv);
    let (_, nested) = fixture!("footer-says-0-rows.parquet");
    for bytes in [&whole[..], nested] {
        for at in (0..bytes.len()).step_by(3) {
            let mut broken = bytes.to_vec();
            broken[at] ^= 1 << (at % 8);
            let source = bench.source("broken.parquet", &broken);
            let options = ProfileOptions::default();
            let ended = bench
                .engine
                .profile(source, &options, &Cancel::new(), &Progress::new());
            if let Err(error) = ended {
                let known = [
                    "malformed_data",
                    "unsupported_data",
                    "record_too_large",
                    "resource_exhausted",
                ];
                assert!(known.contains(&error.code()), "{at}: {error}");
            }
        }
    }
}

#[test]
fn no_two_values_of_bytes_look_alike() {
    let bench = Bench::new();
    let values: [&[u8]; 5] = [b"\x00\xff", b"00ff", b"00ff", b"\\x00ff", b"word"];
    let values = BinaryArray::from_vec(values.to_vec());
    let profile = bench.profile("a.parquet", parquet(vec![("b", Arc::new(values))]));
    let bytes = &profile.columns[0];
    assert_eq!(bytes.distinct, 4);
    assert_eq!(profile.dataset.duplicate_rows, 1);
    let mut shown = top(bytes);
    shown.sort();
    let shown: Vec<&str> = shown.iter().map(|(text, _)| text.as_str()).collect();
    assert_eq!(shown, ["00ff", "\\x00ff", "\\x5c7830306666", "word"]);
}
