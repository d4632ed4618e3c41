//! What is read of a Parquet file, and what is not.

use std::fs::File;

use ::parquet::file::reader::{FileReader, SerializedFileReader};
use lastcall_domain::profile::ColumnType;
use lastcall_domain::{Cancel, Progress, ReadOptions};

use crate::support::{Bench, column, types};

const ROWS: u64 = 5000;

/// Columns that vary, that have one value, and that have none.
fn dataset() -> String {
    let mut csv = String::from("n,word,one,day,flag,same,none\n");
    for row in 0..ROWS {
        csv.push_str(&format!("{row},word {},7,2012-01-31,true,same,\n", row % 9));
    }
    csv
}

/// The file with zeros in place of the data of some columns.
fn without_data(bench: &Bench, name: &str, columns: &[usize]) -> Vec<u8> {
    let path = bench.path(name);
    let mut bytes = std::fs::read(&path).unwrap();
    let reader = SerializedFileReader::new(File::open(&path).unwrap()).unwrap();
    for group in reader.metadata().row_groups() {
        for &column in columns {
            let (start, length) = group.column(column).byte_range();
            bytes[start as usize..(start + length) as usize].fill(0);
        }
    }
    bytes
}

#[test]
fn columns_that_the_statistics_tell_are_not_read() {
    let bench = Bench::new();
    let before = bench.profile("a.csv", dataset());
    let out = bench.path("a.parquet");
    bench
        .engine
        .to_parquet(
            bench.source("b.csv", dataset()),
            &ReadOptions::default(),
            &out,
            &Cancel::new(),
            &Progress::new(),
        )
        .unwrap();
    let unread = bench.profile(
        "b.parquet",
        without_data(&bench, "a.parquet", &[2, 3, 4, 5, 6]),
    );
    assert_eq!(unread.columns, before.columns);
    assert_eq!(unread.correlations, before.correlations);
    assert_eq!(unread.dataset.duplicate_rows, before.dataset.duplicate_rows);
    assert_eq!(
        types(&unread)[2..],
        [
            ColumnType::Integer,
            ColumnType::Date,
            ColumnType::Boolean,
            ColumnType::String,
            ColumnType::String
        ]
    );
    assert_eq!(column(&unread, "none").missing, ROWS);
    let damaged = bench.failure("c.parquet", without_data(&bench, "a.parquet", &[1]));
    assert!(damaged.starts_with("malformed_data"), "{damaged}");
}

#[test]
fn a_file_of_nothing_but_known_columns_has_its_rows() {
    let bench = Bench::new();
    let out = bench.path("a.parquet");
    bench
        .engine
        .to_parquet(
            bench.source("a.csv", "a,b\n".to_owned() + &"1,x\n".repeat(20_000)),
            &ReadOptions::default(),
            &out,
            &Cancel::new(),
            &Progress::new(),
        )
        .unwrap();
    let profile = bench.profile("b.parquet", without_data(&bench, "a.parquet", &[0, 1]));
    assert_eq!(profile.dataset.rows, 20_000);
    assert_eq!(profile.dataset.duplicate_rows, 19_999);
    assert_eq!(column(&profile, "b").top[0].count, 20_000);
}
