//! Correlations and comparisons equal those of SciPy; `fixtures/associations.py` computed the
//! expected values.

use lastcall_domain::compare::{ColumnStatus, Comparison, Drift};
use lastcall_domain::correlation::CorrelationReport;
use lastcall_domain::{Cancel, Progress, ReadOptions};
use serde_json::Value;

use crate::pandas::compare;
use crate::support::Bench;

const BEFORE: &str = include_str!("fixtures/before.csv");
const AFTER: &str = include_str!("fixtures/after.csv");

fn expected(part: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("fixtures/associations.json")).unwrap();
    all[part].as_array().unwrap().clone()
}

fn correlate(bench: &Bench, csv: &str) -> CorrelationReport {
    let source = bench.source("a.csv", csv);
    let (cancel, progress) = (Cancel::new(), Progress::new());
    bench
        .engine
        .correlation(source, &ReadOptions::default(), &cancel, &progress)
        .unwrap()
}

fn contrast(before: &str, after: &str) -> Comparison {
    let bench = Bench::new();
    let (before, after) = (bench.source("b.csv", before), bench.source("a.csv", after));
    let (cancel, progress) = (Cancel::new(), Progress::new());
    let options = ReadOptions::default();
    let comparison = bench
        .engine
        .compare(before, after, &options, &cancel, &progress)
        .unwrap();
    assert!((progress.get() - 1.0).abs() < f64::EPSILON);
    comparison
}

#[test]
fn correlations_have_the_figures_of_scipy() {
    let report = correlate(&Bench::new(), BEFORE);
    let pairs = expected("pairs");
    assert_eq!(report.pairs.len(), pairs.len());
    let mut faults = Vec::new();
    for (expected, found) in pairs.iter().zip(&report.pairs) {
        let found = serde_json::to_value(found).unwrap();
        compare(
            &format!("{}-{}", expected["x"], expected["y"]),
            expected,
            &found,
            &mut faults,
        );
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    let left_out: Vec<_> = report
        .left_out
        .iter()
        .map(|left| left.column.as_str())
        .collect();
    assert_eq!(left_out, ["day", "name"]);
}

#[test]
fn comparisons_have_the_figures_of_scipy() {
    let comparison = contrast(BEFORE, AFTER);
    let mut faults = Vec::new();
    for expected in expected("columns") {
        let name = expected["name"].as_str().unwrap();
        let found = comparison
            .columns
            .iter()
            .find(|column| column.name == name)
            .unwrap();
        compare(
            name,
            &expected,
            &serde_json::to_value(found).unwrap(),
            &mut faults,
        );
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert_eq!(
        (comparison.baseline.rows, comparison.candidate.rows),
        (240, 180)
    );
    assert_eq!(comparison.columns[0].drift, Some(Drift::Major));
}

#[test]
fn a_dataset_does_not_differ_from_itself() {
    for column in contrast(BEFORE, BEFORE).columns {
        assert_eq!(column.status, ColumnStatus::Kept);
        assert_eq!(
            (column.psi, column.jensen_shannon),
            (Some(0.0), Some(0.0)),
            "{}",
            column.name
        );
        assert_eq!(column.drift, Some(Drift::None));
        if let Some(test) = column.kolmogorov_smirnov {
            assert!(test.statistic == 0.0 && (test.p_value - 1.0).abs() < 1e-12);
        }
    }
}

#[test]
fn changes_of_the_schema_are_reported() {
    let comparison = contrast("gone,n,same\n1,1,x\n2,,y\n", "n,same,new\na,x,\n");
    let of = |name: &str| comparison.columns.iter().find(|c| c.name == name).unwrap();
    assert_eq!(of("gone").status, ColumnStatus::Removed);
    assert_eq!(of("n").status, ColumnStatus::Retyped);
    assert_eq!((of("n").psi, of("n").drift), (None, None));
    let shares = (
        of("n").baseline.unwrap().missing_share,
        of("n").candidate.unwrap().missing_share,
    );
    assert_eq!(shares, (0.5, 0.0));
    assert_eq!(of("new").status, ColumnStatus::Added);
    assert_eq!(of("new").candidate.unwrap().missing, 1);
}

#[test]
fn ranks_and_deciles_are_those_of_the_numbers_however_large_they_are() {
    let pair = |values: &[&str]| {
        let rows = values.iter().enumerate();
        let rows = rows.map(|(row, value)| format!("{},{value}\n", row * 7 % 11));
        let csv = format!("a,u\n{}", rows.collect::<String>());
        let mut report = correlate(&Bench::new(), &csv);
        let pair = report.pairs.remove(0);
        let spearman = pair.spearman.unwrap().value;
        (spearman, pair.mutual_information.unwrap().value)
    };
    // Large numbers in the first row, and below small ones.
    for (large, small) in [
        (
            ["9223372036854775807", "1", "2", "3", "4", "5"],
            ["99", "1", "2", "3", "4", "5"],
        ),
        (
            [
                "1",
                "-9223372036854775808",
                "9007199254740993",
                "9007199254740992",
                "",
                "2",
            ],
            ["1", "-99", "98", "97", "", "2"],
        ),
    ] {
        assert_eq!(pair(&large), pair(&small), "{large:?}");
        // More values than there are parts.
        let with_more = |values: [&'static str; 6]| {
            let more = [
                "3", "6", "10", "11", "12", "13", "14", "15", "16", "17", "18",
            ];
            values.into_iter().chain(more).collect::<Vec<_>>()
        };
        assert_eq!(
            pair(&with_more(large)),
            pair(&with_more(small)),
            "{large:?}"
        );
    }
    let mut report = correlate(
        &Bench::new(),
        "a,u\n3,9223372036854775807\n1,1\n5,2\n2,3\n4,4\n",
    );
    let pair = report.pairs.remove(0);
    assert!((pair.spearman.unwrap().value - 0.3).abs() < 1e-12);
    assert!((pair.mutual_information.unwrap().value - 5f64.ln()).abs() < 1e-12);
}

#[test]
fn columns_without_pairs_have_no_coefficients() {
    let report = correlate(&Bench::new(), "a,b,c\n1,,x\n,2,y\n3,,x\n");
    let pair = &report.pairs[0];
    assert_eq!(
        (pair.n, pair.pearson, pair.mutual_information),
        (0, None, None)
    );
}

#[test]
fn correlations_beyond_the_memory_come_from_a_sample_and_say_so() {
    let mut csv = String::from("a,b,c\n");
    for row in 0..200_000u64 {
        let n = row.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 44;
        csv.push_str(&format!(
            "{n},{},{}\n",
            n * n % 1_000_003,
            ["x", "y"][(n % 2) as usize]
        ));
    }
    let exact = correlate(&Bench::new(), &csv);
    let sampled = correlate(&Bench::with(1, 16 << 20), &csv);
    assert_eq!(exact.sample, None);
    let rows = sampled.sample.unwrap();
    assert!((5_000..200_000).contains(&rows), "{rows}");
    for (exact, sampled) in exact.pairs.iter().zip(&sampled.pairs) {
        assert_eq!(sampled.pearson, exact.pearson);
        assert_eq!(sampled.n, rows);
        if let (Some(rho), Some(truth)) = (sampled.spearman, exact.spearman) {
            assert!((rho.value - truth.value).abs() < 4.0 / (rows as f64).sqrt());
        }
    }
}
