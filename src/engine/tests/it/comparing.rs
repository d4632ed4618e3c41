//! Comparisons of columns and of the dataset.

use std::sync::Arc;

use arrow::array::{Decimal128Array, UInt64Array};
use lastcall_domain::compare::{ColumnStatus, Comparison, Drift, DriftThresholds};
use lastcall_domain::profile::{ColumnType, Number};
use lastcall_domain::{Cancel, Progress, ReadOptions};
use serde_json::json;

use crate::support::{Bench, parquet};

fn compared(before: &str, after: &str) -> Comparison {
    compared_with(before, after, &DriftThresholds::default())
}

fn compared_with(before: &str, after: &str, thresholds: &DriftThresholds) -> Comparison {
    let bench = Bench::new();
    let read = ReadOptions::default();
    let (before, after) = (bench.source("a.csv", before), bench.source("b.csv", after));
    bench
        .engine
        .compare_with(
            (before, &read),
            (after, &read),
            thresholds,
            &Cancel::new(),
            &Progress::new(),
        )
        .unwrap()
}

#[test]
fn new_and_vanished_values_are_named_with_their_counts() {
    let found = compared("c\na\na\nb\nc\n", "c\na\nd\nd\ne\n");
    let categories = found.columns[0].categories.as_ref().unwrap();
    let values = |list: &[lastcall_domain::compare::CategoryCount]| -> Vec<(String, u64, u64)> {
        let values = list.iter();
        values
            .map(|value| (value.value.clone(), value.baseline, value.candidate))
            .collect()
    };
    assert_eq!(
        values(&categories.new),
        [("d".into(), 0, 2), ("e".into(), 0, 1)]
    );
    assert_eq!(
        values(&categories.vanished),
        [("b".into(), 1, 0), ("c".into(), 1, 0)]
    );
    assert_eq!(categories.new_count, Some(2));
    assert_eq!(categories.vanished_count, Some(2));
}

#[test]
fn chi_squared_is_that_of_scipy() {
    // chi2_contingency([[30, 10], [20, 20]], correction=False): 5.3333, 1, 0.02092.
    let side = |a: usize, b: usize| format!("c\n{}{}", "a\n".repeat(a), "b\n".repeat(b));
    let found = compared(&side(30, 10), &side(20, 20));
    let test = found.columns[0].chi_squared.unwrap();
    assert!((test.statistic - 16.0 / 3.0).abs() < 1e-12, "{test:?}");
    assert_eq!(test.degrees_of_freedom, 1);
    assert!((test.p_value - 0.020_921_335).abs() < 1e-7, "{test:?}");
    let booleans = |a: usize, b: usize| {
        let (a, b) = ("true\n".repeat(a), "false\n".repeat(b));
        format!("c\n{a}{b}")
    };
    let found = compared(&booleans(30, 10), &booleans(20, 20));
    let test = found.columns[0].chi_squared.unwrap();
    assert!((test.statistic - 16.0 / 3.0).abs() < 1e-12, "{test:?}");
}

#[test]
fn numbers_have_their_figures_and_one_set_of_intervals() {
    let found = compared("n\n0\n1\n2\n", "n\n10\n20\n");
    let column = &found.columns[0];
    let numbers = column.numbers.unwrap();
    let sides = (Number::Float(1.0), Number::Float(15.0));
    assert_eq!((numbers.mean.baseline, numbers.mean.candidate), sides);
    assert_eq!(numbers.mean.change, 14.0);
    assert_eq!((numbers.median.baseline, numbers.median.candidate), sides);
    assert_eq!((numbers.min.change, numbers.max.change), (10.0, 18.0));
    let histogram = column.histogram.as_ref().unwrap();
    assert_eq!(histogram.edges.len(), 21);
    assert_eq!(histogram.edges[0], json!(0.0));
    assert_eq!(histogram.edges[20], json!(20.0));
    assert_eq!(histogram.baseline.iter().sum::<u64>(), 3);
    assert_eq!(histogram.candidate.iter().sum::<u64>(), 2);
    assert_eq!(histogram.candidate[19], 1);
    let dates = compared("d\n2024-01-01\n", "d\n2024-01-21\n");
    let histogram = dates.columns[0].histogram.as_ref().unwrap();
    assert_eq!(histogram.edges[0], "2024-01-01");
    assert_eq!(histogram.edges[20], "2024-01-21");
}

#[test]
fn the_verdict_is_about_the_whole_dataset_by_the_thresholds_that_are_given() {
    let base = "a,b\n1,x\n2,y\n3,x\n4,y\n";
    let same = compared(base, base);
    assert_eq!(same.verdict.drift, Drift::None);
    assert_eq!(same.verdict.rows_change, 0);
    let more = compared(base, "a,b,c\n1,x,1\n2,y,1\n3,x,1\n4,y,1\n");
    assert_eq!(more.verdict.drift, Drift::Moderate);
    assert_eq!(more.verdict.added, ["c"]);
    let less = compared(base, "a\n1\n2\n3\n4\n5\n");
    assert_eq!(less.verdict.drift, Drift::Major);
    assert_eq!(less.verdict.removed, ["b"]);
    assert_eq!(less.verdict.rows_change, 1);
    let holes = "a,b\n1,x\n2,\n3,x\n4,y\n";
    let missing = compared(base, holes);
    assert_eq!(missing.verdict.missing, ["b"]);
    assert_eq!(missing.columns[1].missing_change, Some(0.25));
    let lenient = DriftThresholds {
        moderate: 50.0,
        major: 100.0,
        missing: 0.5,
    };
    let missing = compared_with(base, holes, &lenient);
    assert_eq!(missing.verdict.drift, Drift::None);
}

/// A column of whole numbers one above the other.
fn numbered(from: i64, count: i64) -> String {
    let numbers = (from..from + count).map(|number| number.to_string());
    let lines: Vec<String> = std::iter::once("id".to_owned()).chain(numbers).collect();
    lines.join("\n") + "\n"
}

#[test]
fn integers_beyond_doubles_are_distinguished() {
    let first = 1_700_000_000_000_000_000;
    let found = compared(&numbered(first, 100), &numbered(first + 100, 100));
    let column = &found.columns[0];
    assert_eq!(column.kolmogorov_smirnov.unwrap().statistic, 1.0);
    assert_eq!(column.drift, Some(Drift::Major));
    let numbers = column.numbers.unwrap();
    for figure in [numbers.mean, numbers.median, numbers.min, numbers.max] {
        assert_eq!(figure.change, 100.0, "{numbers:?}");
    }
    let histogram = column.histogram.as_ref().unwrap();
    assert_eq!(histogram.baseline[..10].iter().sum::<u64>(), 100);
    assert_eq!(histogram.candidate[10..].iter().sum::<u64>(), 100);
    // Wherever the others are.
    let outlier = |from| numbered(from, 100) + "0\n";
    let found = compared(&outlier(first), &outlier(first + 100));
    let column = &found.columns[0];
    let statistic = column.kolmogorov_smirnov.unwrap().statistic;
    assert!((statistic - 100.0 / 101.0).abs() < 1e-12, "{statistic}");
    assert_eq!(column.numbers.unwrap().median.change, 100.0);
    let found = compared("n\n9007199254740992\n", "n\n9007199254740993\n");
    let column = &found.columns[0];
    assert_eq!(column.kolmogorov_smirnov.unwrap().statistic, 1.0);
    assert!(column.psi.unwrap() > 1.0);
    let min = column.numbers.unwrap().min;
    assert_eq!(min.change, 1.0);
    assert_eq!(min.baseline, Number::Integer(9_007_199_254_740_992));
    assert_eq!(min.candidate, Number::Integer(9_007_199_254_740_993));
}

#[test]
fn unsigned_integers_and_decimals_keep_their_digits() {
    let first = u64::MAX - 1_000;
    let unsigned = |from: u64| -> Vec<u8> {
        let values: Vec<u64> = (from..from + 100).collect();
        parquet(vec![("n", Arc::new(UInt64Array::from(values)))])
    };
    let decimals = |digits: i128| -> Vec<u8> {
        let values = Decimal128Array::from(vec![digits, digits + 1, digits + 3]);
        let values = values.with_precision_and_scale(38, 2).unwrap();
        parquet(vec![("n", Arc::new(values))])
    };
    let digits = 12_345_678_901_234_567_890_i128;
    for (before, after, change) in [
        (unsigned(first), unsigned(first + 100), 100.0),
        (decimals(digits), decimals(digits + 10), 0.1),
        (unsigned(5), unsigned(first), (first - 5) as f64),
    ] {
        let bench = Bench::new();
        let read = ReadOptions::default();
        let sides = [("a.parquet", before), ("b.parquet", after)];
        let [before, after] = sides.map(|(name, bytes)| bench.source(name, bytes));
        let found = bench.engine.compare_with(
            (before, &read),
            (after, &read),
            &DriftThresholds::default(),
            &Cancel::new(),
            &Progress::new(),
        );
        let found = found.unwrap();
        let column = &found.columns[0];
        assert_eq!(column.kolmogorov_smirnov.unwrap().statistic, 1.0);
        let numbers = column.numbers.unwrap();
        for figure in [numbers.mean, numbers.median, numbers.min, numbers.max] {
            assert_eq!(figure.change, change, "{numbers:?}");
        }
    }
}

#[test]
fn a_column_that_has_lost_all_of_its_values_keeps_its_type() {
    let found = compared("a,b\n1,x\n2,y\n", "a,b\n,x\n,y\n");
    let column = &found.columns[0];
    assert_eq!(column.status, ColumnStatus::Kept);
    assert_eq!(column.candidate.unwrap().kind, ColumnType::Integer);
    assert_eq!(column.candidate.unwrap().missing_share, 1.0);
    assert_eq!(column.missing_change, Some(1.0));
    assert!(found.verdict.retyped.is_empty(), "{:?}", found.verdict);
    assert_eq!(found.verdict.drift, Drift::Moderate);
    let found = compared("a,b\n,x\n,y\n", "a,b\n1,x\n2,y\n");
    assert_eq!(found.columns[0].status, ColumnStatus::Kept);
    assert_eq!(found.columns[0].baseline.unwrap().kind, ColumnType::Integer);
    let found = compared("a,b\n1,x\n2,y\n", "a,b\nq,x\n,y\n");
    assert_eq!(found.verdict.retyped, ["a"]);
}

#[test]
fn long_texts_are_shown_as_they_are_in_the_data() {
    let long = |letter: &str| letter.repeat(300);
    let rows = |texts: [String; 2]| format!("t,n\n{},1\n{},2\n", texts[0], texts[1]);
    let before = rows([long("a"), long("b")]);
    let found = compared(&before, &rows([long("a"), long("ü")]));
    let categories = found.columns[0].categories.as_ref().unwrap();
    let values: Vec<&str> = categories
        .values
        .iter()
        .map(|one| one.value.as_str())
        .collect();
    assert_eq!(values, [long("a"), long("b"), long("ü")]);
    assert_eq!(categories.new[0].value, long("ü"));
    assert_eq!(categories.vanished[0].value, long("b"));
    let found = compared(&before, &rows([long("a"), "c".repeat(2_000)]));
    let categories = found.columns[0].categories.as_ref().unwrap();
    assert_eq!(categories.new[0].value, "c".repeat(1_000) + "…");
}
