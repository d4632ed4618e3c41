//! The same data has the same profile in every format.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use lastcall_domain::profile::{ColumnType, Number, Profile};
use lastcall_domain::{Cancel, Format, ProfileOptions, Progress, ReadOptions, ReadReport};
use lastcall_engine::Source;

use crate::support::{Bench, column, top, types, warning};

const CSV: &str = "n,x,flag,day,at,word\n\
    1,0.5,true,2020-01-31,2020-01-31T10:00:00Z,a\n\
    ,1.5,false,2020-02-01,2020-02-01T10:00:00.5Z,\"b,\"\n\
    3,,,,,NA\n\
    1,0.5,true,2020-01-31,2020-01-31T10:00:00Z,a\n";
const NDJSON: &str = r#"{"n":1,"x":0.5,"flag":true,"day":"2020-01-31","at":"2020-01-31T10:00:00Z","word":"a"}
{"n":null,"x":1.5,"flag":false,"day":"2020-02-01","at":"2020-02-01T10:00:00.5Z","word":"b,"}
{"n":3}
{"word":"a","at":"2020-01-31T10:00:00Z","day":"2020-01-31","flag":true,"x":0.5,"n":1}
"#;

/// The parts of a profile that do not depend on the format.
fn figures(mut profile: Profile) -> Profile {
    profile.dataset.name.clear();
    profile.dataset.bytes = 0;
    profile.dataset.format = Format::Csv;
    profile.read = ReadReport::default();
    profile
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn csv_tsv_ndjson_and_parquet_agree_compressed_or_not() {
    let bench = Bench::new();
    let expected = figures(bench.profile("a.csv", CSV));
    assert_eq!(expected.dataset.rows, 4);
    assert_eq!(expected.dataset.duplicate_rows, 1);
    let tsv = CSV
        .replace("\"b,\"", "b;")
        .replace(',', "\t")
        .replace("b;", "b,");
    let parquet = bench.path("out.parquet");
    bench
        .engine
        .to_parquet(
            bench.source("b.csv", CSV),
            &ReadOptions::default(),
            &parquet,
            &Cancel::new(),
            &Progress::new(),
        )
        .unwrap();
    let parquet = std::fs::read(parquet).unwrap();
    for (name, bytes) in [
        ("a.tsv", tsv.as_bytes()),
        ("a.ndjson", NDJSON.as_bytes()),
        ("a.parquet", &parquet),
    ] {
        assert_eq!(figures(bench.profile(name, bytes)), expected, "{name}");
        assert_eq!(
            figures(bench.profile(name, gzip(bytes))),
            expected,
            "{name} in gzip"
        );
    }
    assert_eq!(
        figures(bench.profile("a.csv", gzip(CSV.as_bytes()))),
        expected
    );
}

#[test]
fn json_keeps_its_types_and_columns_come_as_they_first_appear() {
    let profile = Bench::new().profile(
        "a.ndjson",
        "{\"id\":\"007\",\"n\":1}\n\n{\"z\":{\"a\":[1]},\"n\":18446744073709551615}\n\
         {\"id\":\"12\",\"a\\u0062\":\"\\u00e9\",\"n\":2,\"n\":3}\n",
    );
    let names: Vec<_> = profile
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    assert_eq!(names, ["id", "n", "z", "ab"]);
    use ColumnType::{Float, String};
    assert_eq!(types(&profile), [String, Float, String, String]);
    assert_eq!(top(column(&profile, "z")), [("{\"a\":[1]}".into(), 1)]);
    assert_eq!(top(column(&profile, "ab")), [("é".into(), 1)]);
    assert_eq!(
        column(&profile, "n")
            .numeric
            .as_ref()
            .unwrap()
            .quantiles
            .p25
            .map(Number::as_f64),
        Some(2.0)
    );
}

#[test]
fn a_key_that_appears_late_is_a_column() {
    let mut lines = "{\"a\":1}\n".repeat(100_000);
    lines.push_str("{\"a\":2,\"late\":2.5}\n");
    let profile = Bench::new().profile("a.ndjson", lines);
    let late = column(&profile, "late");
    assert_eq!(
        (late.kind, late.count, late.missing),
        (ColumnType::Float, 1, 100_000)
    );
}

#[test]
fn halves_of_surrogate_pairs_are_replaced_and_reported_with_their_line() {
    let profile = Bench::new().profile(
        "a.ndjson",
        r#"{"a":"cut \ud83d"}
{"a":"\ude00 \ud83d\u0041","\ud83d":1}
{"a":"whole \ud83d\ude00","b":{"c":"\ud83d"}}
"#,
    );
    assert_eq!(
        top(column(&profile, "a")),
        ["cut \u{fffd}", "whole 😀", "\u{fffd} \u{fffd}A"].map(|text| (text.into(), 1))
    );
    assert_eq!(column(&profile, "\u{fffd}").count, 1);
    let nested = (r#"{"c":"\ud83d"}"#.into(), 1);
    assert_eq!(top(column(&profile, "b")), [nested]);
    let replaced = warning(&profile, "replaced_characters");
    assert_eq!(replaced.count, 4);
    assert!(
        replaced.detail.ends_with("on line 1, 2, 2, 2"),
        "{}",
        replaced.detail
    );
}

#[test]
fn more_keys_than_columns_there_may_be_are_refused() {
    let keys = |from: usize, to: usize| {
        let keys = (from..to).map(|key| format!("\"k{key}\":1"));
        format!("{{{}}}\n", keys.collect::<Vec<_>>().join(","))
    };
    let lines = keys(0, 16_384);
    let profile = Bench::new().profile("a.ndjson", &lines);
    assert_eq!(profile.dataset.columns, 16_384);
    for lines in [keys(0, 16_385), lines + &keys(16_384, 16_385)] {
        let failure = Bench::new().failure("a.ndjson", lines);
        assert!(failure.starts_with("too_many_columns"), "{failure}");
    }
}

#[test]
fn faults_in_json_are_named_with_line_and_column() {
    for (text, place) in [
        (
            "{\"a\":1}\n{\"a\":\n",
            "NDJSON is malformed on line 2, column 5",
        ),
        (
            "{\"a\":1}\n\n[1]\n",
            "NDJSON is malformed on line 3, column 1: invalid type: sequence",
        ),
        (
            "{\"a\":1} x\n",
            "NDJSON is malformed on line 1, column 9: trailing characters",
        ),
        ("{\"a\":01}\n", "NDJSON is malformed on line 1, column 7"),
    ] {
        let failure = Bench::new().failure("a.ndjson", text);
        assert!(failure.contains(place), "{failure}");
    }
}

#[test]
fn files_that_are_not_what_they_claim_are_refused() {
    let bench = Bench::new();
    for (name, bytes) in [
        ("a.parquet", &b"PAR1 this is no parquet PAR1"[..]),
        ("a.parquet", b""),
        ("a.xlsx", b"PK this is no workbook"),
        ("a.xlsx", b""),
        ("a.csv", b"\x1f\x8b this is no gzip"),
        ("a.csv", &gzip(&CSV.as_bytes().repeat(50))[..60]),
    ] {
        let failure = bench.failure(name, bytes);
        assert!(failure.starts_with("malformed_data"), "{name}: {failure}");
    }
    let gone = Source::new(bench.path("gone.csv"), Format::Csv);
    let options = ProfileOptions::default();
    let error = bench
        .engine
        .profile(gone, &options, &Cancel::new(), &Progress::new());
    let error = error.unwrap_err();
    assert_eq!((error.code(), error.retryable()), ("io_failed", true));
}

/// Files that were written and then damaged: an error or a profile, and never a panic.
#[test]
fn damaged_files_are_refused_or_read_and_nothing_else() {
    let bench = Bench::with(0, 32 << 20);
    let parquet = bench.path("out.parquet");
    let source = bench.source("b.csv", CSV.repeat(3));
    let options = ReadOptions::default();
    bench
        .engine
        .to_parquet(source, &options, &parquet, &Cancel::new(), &Progress::new())
        .unwrap();
    let parquet = std::fs::read(parquet).unwrap();
    let mut seed = 1u64;
    let mut random = |below: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize % below
    };
    let mut refused = 0;
    for round in 0..300 {
        for (name, intact) in [("a.parquet", &parquet[..]), ("a.xlsx", WORKBOOK)] {
            let mut bytes = intact.to_vec();
            for _ in 0..=round % 4 {
                let at = random(bytes.len());
                bytes[at] = bytes[at].wrapping_add(1 + random(255) as u8);
            }
            if round % 10 == 0 {
                bytes.truncate(random(bytes.len()));
            }
            let result = bench.try_profile(name, &bytes, &ProfileOptions::default());
            if let Err(error) = result {
                assert_ne!(error.code(), "engine_failed", "{error}");
                refused += 1;
            }
        }
    }
    assert!(refused > 100, "{refused}");
}

/// A workbook with two sheets, made with openpyxl.
const WORKBOOK: &[u8] = include_bytes!("fixtures/workbook.xlsx");

#[test]
fn a_sheet_of_a_workbook_is_a_dataset() {
    let bench = Bench::new();
    let profile = bench.profile("a.xlsx", WORKBOOK);
    let names: Vec<_> = profile
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    assert_eq!(
        names,
        ["whole", "part", "text", "yes", "day", "at", "empty"]
    );
    use ColumnType::{Boolean, Date, Float, Integer, String, Timestamp};
    assert_eq!(
        types(&profile),
        [Integer, Float, String, Boolean, Date, Timestamp, String]
    );
    assert_eq!(profile.dataset.rows, 3);
    assert_eq!(top(column(&profile, "text"))[0], ("007".into(), 1));
    assert_eq!(column(&profile, "whole").missing, 1);
    let day = column(&profile, "day").temporal.clone().unwrap();
    assert_eq!(day.min.as_deref(), Some("1999-12-31"));
    let at = column(&profile, "at").temporal.clone().unwrap();
    assert_eq!(at.max.as_deref(), Some("2024-02-29T18:30:15Z"));
}

#[test]
fn a_sheet_is_chosen_by_name() {
    let bench = Bench::new();
    let with = |name: &str| ProfileOptions {
        read: ReadOptions {
            sheet: Some(name.into()),
            ..ReadOptions::default()
        },
        ..ProfileOptions::default()
    };
    let profile = bench
        .try_profile("a.xlsx", WORKBOOK, &with("Second"))
        .unwrap();
    assert_eq!(profile.columns[0].name, "only");
    let error = bench
        .try_profile("a.xlsx", WORKBOOK, &with("Third"))
        .unwrap_err();
    assert_eq!(error.code(), "invalid_option");
    assert!(
        error.to_string().contains("only `First`, `Second`"),
        "{error}"
    );
}

#[test]
fn json_arrays_are_read_as_lines_are() {
    let bench = Bench::new();
    let lines = "{\"a\":1,\"b\":\"x, y\"}\n{\"a\":2.5,\"b\":null}\n{\"c\":[1,2]}\n";
    let array = "\u{feff}[\n  {\"a\": 1,\n   \"b\": \"x, y\"},\n {\"a\":2.5,\"b\":null} , {\"c\":[1,2]}\n]\n";
    let (lines, array) = (
        bench.profile("a.ndjson", lines),
        bench.profile("a.json", array),
    );
    assert_eq!(array.columns, lines.columns);
    assert_eq!(array.dataset.rows, 3);
    let many: Vec<String> = (0..50_000).map(|n| format!("{{\"n\":{n}}}")).collect();
    let profile = bench.profile("a.json", format!("[{}]", many.join(",\n")));
    assert_eq!(profile.dataset.rows, 50_000);
    assert_eq!(column(&profile, "n").distinct, 50_000);
    assert_eq!(bench.profile("a.json", "[]").dataset.rows, 0);
    let failure = bench.failure("a.json", "[{\"a\":1},\n{\"a\":2}");
    assert!(failure.starts_with("malformed_data"), "{failure}");
    assert!(failure.contains("line 2"), "{failure}");
}

#[test]
fn errors_of_a_document_name_the_value() {
    let bench = Bench::with(0, 16 << 20);
    let failure = bench.failure("a.json", "[{\"a\":1},\n\n 2]");
    let told = "malformed_data: JSON is malformed: value 2: invalid type: integer `2`";
    assert!(failure.starts_with(told), "{failure}");
    let failure = bench.failure("a.json", "[{\"a\":1}, {\"a\":\n01}]");
    assert!(
        failure.contains("JSON is malformed: value 2: "),
        "{failure}"
    );
    let large = format!("[{{\"a\":1}},{{\"a\":\"{}\"}}]", "x".repeat(2 << 20));
    let failure = bench.failure("a.json", large);
    assert!(
        failure.starts_with("record_too_large: value 2 is"),
        "{failure}"
    );
    let profile = bench.profile("a.json", "[{\"a\":\"x\"},\n\n{\"a\":\"\\ud83d\"}]");
    let replaced = warning(&profile, "replaced_characters");
    assert!(
        replaced.detail.ends_with("in value 2"),
        "{}",
        replaced.detail
    );
}

#[test]
fn zstd_is_unpacked_like_gzip() {
    let bench = Bench::new();
    let csv = "a,b\n1,x\n2,y\n".repeat(2_000);
    let packed = |text: &str| zstd::encode_all(text.as_bytes(), 3).unwrap();
    let mut two_frames = packed(&csv[..1_000]);
    two_frames.extend(packed(&csv[1_000..]));
    let plain = bench.profile("a.csv", &csv);
    for bytes in [packed(&csv), two_frames] {
        let profile = bench.profile("a.csv.zst", &bytes);
        assert_eq!(profile.columns, plain.columns);
    }
    let cut = packed(&csv);
    let failure = bench.failure("a.csv.zst", &cut[..cut.len() / 2]);
    assert!(failure.starts_with("malformed_data"), "{failure}");
    let mut broken = packed(&csv);
    let middle = broken.len() / 2;
    broken[middle..].fill(0xa5);
    let failure = bench.failure("a.csv.zst", &broken);
    assert!(failure.starts_with("malformed_data"), "{failure}");
}
