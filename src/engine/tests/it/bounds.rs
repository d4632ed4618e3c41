//! Short rows of many columns, and binary data: neither exceeds its share of memory.

use std::io::Write;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array};
use flate2::Compression;
use flate2::write::GzEncoder;
use lastcall_domain::Format;
use lastcall_engine::Source;

use crate::support::{Bench, column, parquet, warning};

/// An engine whose batches have few rows of so many columns.
fn small() -> Bench {
    Bench::with(1, 16 << 20)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn short_rows_below_a_wide_header_keep_their_lines() {
    let names: Vec<String> = (0..800).map(|at| format!("c{at}")).collect();
    let whole = vec!["1"; 800].join(",");
    let mut csv = names.join(",") + "\n";
    for row in 0..3000 {
        csv.push_str(if row % 3 == 2 { "1" } else { &whole });
        csv.push('\n');
    }
    let profile = small().profile("a.csv", &csv);
    assert_eq!(profile.dataset.rows, 3000);
    assert_eq!(column(&profile, "c0").missing, 0);
    assert_eq!(column(&profile, "c799").missing, 1000);
    let ragged = warning(&profile, "ragged_rows");
    assert_eq!(ragged.count, 1000);
    assert!(
        ragged.detail.contains("4 (1 cells), 7 (1 cells)"),
        "{}",
        ragged.detail
    );
}

#[test]
fn rows_without_most_of_the_keys_keep_their_lines() {
    let keys: Vec<String> = (0..800).map(|at| format!("\"k{at}\":{at}")).collect();
    let mut json = format!("{{{}}}\n", keys.join(","));
    json.push_str(&"{}\n".repeat(5000));
    let profile = small().profile("a.ndjson", &json);
    assert_eq!(profile.dataset.rows, 5001);
    assert_eq!(column(&profile, "k799").count, 1);
    json.push_str("{]\n");
    json.push_str(&"{}\n".repeat(1000));
    let refused = small().failure("b.ndjson", &json);
    assert!(refused.contains("on line 5002"), "{refused}");
}

#[test]
fn a_new_key_on_every_line_makes_a_column_each() {
    let rows = (0..2000).map(|at| format!("{{\"k{at}\":{at}}}\n"));
    let profile = small().profile("a.ndjson", rows.collect::<String>());
    assert_eq!(
        (profile.dataset.rows, profile.dataset.columns),
        (2000, 2000)
    );
    assert_eq!(profile.dataset.missing_cells, 2000 * 1999);
}

#[test]
fn names_are_bounded_alike_in_every_format() {
    let refused = |names: &[String], what: &str| {
        let bench = Bench::new();
        let keys: Vec<String> = names.iter().map(|name| format!("\"{name}\":1")).collect();
        let object = format!("{{{}}}\n", keys.join(","));
        // The first rows are without them, as are those of the sample.
        let later = format!("{}{object}", "{\"a\":1}\n".repeat(50_000));
        // One on each line, so that no batch has them all.
        let apart: String = keys.iter().map(|key| format!("{{{key}}}\n")).collect();
        let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1]));
        let columns = names.iter().map(|name| (name.as_str(), numbers.clone()));
        for (file, bytes) in [
            ("a.csv", format!("{}\n", names.join(",")).into_bytes()),
            ("a.ndjson", object.clone().into_bytes()),
            ("b.ndjson", later.into_bytes()),
            ("c.ndjson", apart.into_bytes()),
            ("a.json", format!("[{object}]").into_bytes()),
            ("a.parquet", parquet(columns.collect())),
        ] {
            let failure = bench.failure(file, bytes);
            assert!(
                failure.starts_with("record_too_large: "),
                "{file}: {failure}"
            );
            assert!(failure.contains(what), "{file}: {failure}");
        }
    };
    let long = |at: usize, bytes: usize| format!("{at}{}", "x".repeat(bytes));
    refused(&[long(0, 1), long(1, 64 << 10)], "the name of a column");
    let many: Vec<String> = (0..50).map(|at| long(at, 50_000)).collect();
    refused(&many, "the text of all column names");
    let few = many[..40].join(",");
    let profile = Bench::new().profile("a.csv", format!("{few}\n"));
    assert_eq!(profile.columns.len(), 40);
}

#[test]
fn a_key_without_a_name_is_given_the_one_that_a_column_without_is() {
    let bench = Bench::new();
    let named = |name, data: &str| bench.profile(name, data).columns[1].name.clone();
    assert_eq!(named("a.csv", "a,\n1,2\n"), "Unnamed: 1");
    assert_eq!(
        named("a.ndjson", "{\"a\":1,\"\":2}\n{\"\":3,\"a\":1}\n"),
        "Unnamed: 1"
    );
}

#[test]
fn data_that_is_not_text_is_detected_compressed_or_not() {
    let bench = Bench::new();
    for (bytes, what) in [
        (&b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"[..], "a PDF document"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a PNG image"),
        (b"SQLite format 3\0\x10\0\x01\x01", "an SQLite database"),
        (b"PK\x03\x04\x14\0\0\0", "a ZIP archive"),
    ] {
        for (name, bytes) in [
            ("a.csv", bytes.to_vec()),
            ("a.csv.gz", gzip(bytes)),
            ("a.ndjson.gz", gzip(bytes)),
        ] {
            let refused = bench.failure(name, bytes);
            assert!(refused.starts_with("unsupported_data"), "{refused}");
            assert!(refused.contains(what), "{refused}");
        }
    }
}

#[test]
fn formats_are_detected_by_the_extension_or_the_compressed_content() {
    let bench = Bench::new();
    let detected = |name: &str, bytes: &[u8]| {
        let path = bench.path(name);
        std::fs::write(&path, bytes).unwrap();
        Source::detect_format(&path).unwrap()
    };
    assert_eq!(detected("a.json.gz", &gzip(b"{\"a\":1}\n")), Format::Json);
    assert_eq!(detected("a.dat", b"[ {\"a\":1}]"), Format::Json);
    assert_eq!(detected("b.arrow", b""), Format::Arrow);
    assert_eq!(
        detected("a.ndjson.gz", &gzip(b"{\"a\":1}\n")),
        Format::Ndjson
    );
    assert_eq!(detected("a.dat.gz", &gzip(b"{\"a\":1}\n")), Format::Ndjson);
    assert_eq!(detected("b.dat", b"PAR1\x15\x04"), Format::Parquet);
    assert_eq!(detected("c.dat", b"PK\x03\x04\x14\0"), Format::Xlsx);
    let ods = [
        b"PK\x03\x04\x14\0".as_slice(),
        &[0; 24],
        b"mimetypeapplication/vnd.oasis.opendocument.spreadsheetPK\x03\x04",
    ];
    assert_eq!(detected("c.dat", &ods.concat()), Format::Ods);
    assert_eq!(detected("c.dat", b"FEA1\0\0\0\0"), Format::Arrow);
    assert_eq!(detected("d.dat", b"FEA1,FEA2\n1,2\n"), Format::Csv);
    assert_eq!(detected("d.dat", b"a,b\n1,2\n"), Format::Csv);
}
