//! What a comparison says of columns and of the dataset.

use lastcall_domain::compare::{Comparison, Drift, DriftThresholds};
use lastcall_domain::{Cancel, Progress, ReadOptions};
use serde_json::json;

use crate::support::Bench;

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
    assert_eq!((numbers.mean.baseline, numbers.mean.candidate), (1.0, 15.0));
    assert_eq!(numbers.mean.change, 14.0);
    assert_eq!(
        (numbers.median.baseline, numbers.median.candidate),
        (1.0, 15.0)
    );
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
