//! Properties for any data: the result depends neither on chunks nor on threads.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use lastcall_domain::profile::Profile;
use lastcall_domain::{Cancel, Format, ProfileOptions, Progress};
use proptest::prelude::*;

use super::profile;
use crate::Source;
use crate::job::JobContext;
use crate::limits::Limits;
use crate::pipeline::Resources;
use crate::stats::moments::Central;

/// Profiles with a given budget and chunk size.
fn profile_in(data: &[u8], format: Format, bytes: u64, chunk: usize, helpers: usize) -> Profile {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data");
    std::fs::write(&path, data).unwrap();
    let resources = Resources {
        limits: Limits {
            chunk,
            ..Limits::new(bytes)
        },
        helpers,
        scratch: folder.path(),
    };
    let closed = Arc::new(AtomicBool::new(false));
    let context = JobContext {
        cancel: &Cancel::new(),
        closed: &closed,
        progress: &Progress::new(),
    };
    let source = Source::new(path, format);
    profile(&source, &ProfileOptions::default(), &resources, context).unwrap()
}

/// Cells of every kind, including unusual ones.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => any::<i16>().prop_map(|n| n.to_string()),
        3 => (-1000.0..1000.0f64).prop_map(|x| format!("{x:.2}")),
        1 => Just(String::new()),
        1 => Just("NA".to_owned()),
        1 => any::<i64>().prop_map(|n| n.to_string()),
        1 => any::<f64>().prop_map(|x| x.to_string()),
        1 => Just("true".to_owned()),
        1 => (1900..2100i32, 1..28u32).prop_map(|(y, d)| format!("{y}-03-{d:02}")),
        1 => Just("2020-01-01T00:00:00Z".to_owned()),
        1 => "[a-cé\"\n,;]{0,6}".prop_map(|s| format!("\"{}\"", s.replace('"', "\"\""))),
        1 => "[a-z\"]{1,5}".prop_map(|s| format!("x{s}")),
    ]
}

/// A column mostly of one kind.
fn column() -> impl Strategy<Value = Vec<String>> {
    let whole = any::<i16>().prop_map(|n| n.to_string());
    let float = (-1e3..1e3f64).prop_map(|x| format!("{x:.3}"));
    let few = (0..5u8).prop_map(|n| n.to_string());
    let date = (1..28u8, 1..13u8).prop_map(|(d, m)| format!("{d:02}/{m:02}/2012"));
    let rows = 40;
    prop_oneof![
        proptest::collection::vec(whole, rows),
        proptest::collection::vec(float, rows),
        proptest::collection::vec(few, rows),
        proptest::collection::vec(date, rows),
        proptest::collection::vec(cell(), rows),
    ]
}

fn table() -> impl Strategy<Value = String> {
    (proptest::collection::vec(column(), 1..5), 0..40usize).prop_map(|(columns, rows)| {
        let names: Vec<String> = (0..columns.len()).map(|at| format!("c{at}")).collect();
        let mut csv = names.join(",") + "\n";
        for row in 0..rows {
            let cells: Vec<&str> = columns.iter().map(|column| column[row].as_str()).collect();
            csv.push_str(&cells.join(","));
            csv.push('\n');
        }
        csv
    })
}

/// Reads the bytes as every format. An error is as good as a profile.
fn profile_whatever(bytes: &[u8]) {
    for format in Format::ALL {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data");
        std::fs::write(&path, bytes).unwrap();
        let resources = Resources {
            limits: Limits::new(16 << 20),
            helpers: 0,
            scratch: folder.path(),
        };
        let closed = Arc::new(AtomicBool::new(false));
        let context = JobContext {
            cancel: &Cancel::new(),
            closed: &closed,
            progress: &Progress::new(),
        };
        let source = Source::new(path, format);
        let _ = profile(&source, &ProfileOptions::default(), &resources, context);
    }
}

#[test]
fn text_that_ends_within_a_character_is_read_to_its_end() {
    for cut in [
        b"\xc2".as_slice(),
        b"a\r\xc2",
        b"a,b\r1,\xe2\x82",
        b"\xff\xfea\0,\0b\0\n\0\x3d\xd8",
        b"\xff\xfea\0\n\0b",
    ] {
        profile_whatever(cut);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_chunks_and_threads_give_the_same_profile(csv in table(), chunk in 1..200usize, helpers in 0..4usize) {
        let whole = profile_in(csv.as_bytes(), Format::Csv, 1 << 30, 1 << 20, 0);
        let cut = profile_in(csv.as_bytes(), Format::Csv, 1 << 30, chunk, helpers);
        prop_assert_eq!(whole, cut);
    }

    #[test]
    fn counts_add_up(csv in table()) {
        let profile = profile_in(csv.as_bytes(), Format::Csv, 1 << 30, 1 << 20, 0);
        for column in &profile.columns {
            prop_assert_eq!(column.count + column.missing, profile.dataset.rows);
            prop_assert!(column.distinct <= column.count);
            if let Some(numeric) = &column.numeric {
                let counted: u64 = numeric.histogram.counts.iter().sum();
                prop_assert_eq!(counted + numeric.infinities, column.count);
            }
        }
    }

    #[test]
    fn no_bytes_make_a_profile_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        profile_whatever(&bytes);
    }

    #[test]
    fn merging_moments_is_associative(
        a in proptest::collection::vec(-1e6..1e6f64, 0..50),
        b in proptest::collection::vec(-1e6..1e6f64, 0..50),
        c in proptest::collection::vec(-1e6..1e6f64, 0..50),
    ) {
        let [x, y, z] = [&a, &b, &c].map(|values| Central::of(values));
        let (left, right) = (x.merge(y).merge(z), x.merge(y.merge(z)));
        let scale = 1e-9 * (1.0 + left.m4.abs());
        prop_assert!((left.mean.value() - right.mean.value()).abs() < 1e-9);
        prop_assert!((left.m2 - right.m2).abs() <= 1e-9 * (1.0 + left.m2));
        prop_assert!((left.m3 - right.m3).abs() <= scale);
        prop_assert!((left.m4 - right.m4).abs() <= scale);
    }
}

/// Beyond the budget too: the sketches see every value in the order of the data.
#[test]
fn sketches_do_not_depend_on_chunks_or_threads() {
    let mut csv = String::from("a,b,c\n");
    for row in 0..60_000u64 {
        let n = row.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20;
        csv.push_str(&format!("{n},{}.5,word {n}\n", n % 100_000));
    }
    let budget = 2 << 20;
    let whole = profile_in(csv.as_bytes(), Format::Csv, budget, 1 << 20, 0);
    assert!(whole.columns.iter().all(|column| column.distinct_estimated));
    assert!(whole.correlations.spearman_estimated);
    for (chunk, helpers) in [(1 << 10, 0), (70_001, 3)] {
        assert_eq!(
            profile_in(csv.as_bytes(), Format::Csv, budget, chunk, helpers),
            whole
        );
    }
}

#[test]
fn json_in_any_chunks_gives_the_same_profile() {
    let lines: String = (0..500)
        .map(|row| match row % 3 {
            0 => format!("{{\"a\":{row},\"b\":\"x{row}\"}}\n"),
            1 => format!("{{\"b\":\"y\",\"k{}\":true}}\n", row / 100),
            _ => format!("{{\"a\":{row}.5}}\n"),
        })
        .collect();
    let whole = profile_in(lines.as_bytes(), Format::Ndjson, 1 << 30, 1 << 20, 0);
    assert_eq!(whole.columns.len(), 7);
    for (chunk, helpers) in [(1, 0), (100, 2), (999, 3)] {
        assert_eq!(
            profile_in(lines.as_bytes(), Format::Ndjson, 1 << 30, chunk, helpers),
            whole
        );
    }
}
