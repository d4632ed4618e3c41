//! Statistics of values that doubles do not represent exactly.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, Decimal128Array, Decimal256Array, Int64Array, TimestampNanosecondArray, UInt64Array,
};
use arrow::datatypes::i256;
use lastcall_domain::compare::{Comparison, Drift};
use lastcall_domain::profile::{AlertCode, ColumnType, Numeric, Profile};
use lastcall_domain::{Cancel, Progress, ReadOptions};

use crate::support::{Bench, alerts, column, parquet, top, types, warning};

macro_rules! fixture {
    ($name:literal) => {
        (
            $name,
            include_bytes!(concat!("fixtures/", $name)).as_slice(),
        )
    };
}

fn numeric<'a>(profile: &'a Profile, name: &str) -> &'a Numeric {
    column(profile, name).numeric.as_ref().unwrap()
}

/// As it stands in the answer.
fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).unwrap()
}

#[test]
fn integers_that_doubles_do_not_tell_apart_have_exact_figures() {
    let csv =
        "n,m\n9007199254740993,1\n9007199254740994,2\n9007199254740995,3\n9007199254740994,2\n";
    let profile = Bench::new().profile("a.csv", csv);
    let n = numeric(&profile, "n");
    assert_eq!(n.variance, Some(2.0 / 3.0));
    assert_eq!(n.mean, Some(9_007_199_254_740_994.0));
    let figures = [n.min, n.quantiles.p50, n.quantiles.p95, n.max, n.sum];
    assert_eq!(
        figures.map(|figure| json(&figure)),
        [
            "9007199254740993",
            "9007199254740994",
            "9007199254740994.85",
            "9007199254740995",
            "36028797018963976"
        ]
    );
    assert_eq!(n.skewness, Some(0.0));
    assert_eq!(n.histogram.counts.iter().sum::<u64>(), 4);
    assert_eq!(json(&n.histogram.edges[0]), "9007199254740993");
    let r = profile.correlations.pearson[0][1].unwrap();
    assert!((r - 1.0).abs() < 1e-12, "{r}");
    assert_eq!(profile.correlations.spearman[0][1], Some(1.0));
}

#[test]
fn the_ends_of_64_bits_have_exact_figures() {
    let csv = format!("n\n{}\n{}\n{}\n", i64::MAX, i64::MAX, i64::MIN);
    let profile = Bench::new().profile("a.csv", csv);
    let n = numeric(&profile, "n");
    assert_eq!(json(&n.sum), "9223372036854775806");
    assert_eq!(json(&n.max), i64::MAX.to_string());
    assert_eq!(json(&n.quantiles.p99), i64::MAX.to_string());
    assert_eq!(n.histogram.counts.iter().sum::<u64>(), 3);
}

#[test]
fn ranks_of_unsigned_integers_are_those_of_all_their_digits() {
    let ranks: ArrayRef = Arc::new(Int64Array::from(vec![3, 1, 5, 2, 4]));
    let large = vec![u64::MAX, 1, u64::MAX - 1, 3, 2];
    let large: ArrayRef = Arc::new(UInt64Array::from(large));
    let bytes = parquet(vec![("a", ranks), ("n", large)]);
    let profile = Bench::new().profile("a.parquet", bytes);
    let rho = profile.correlations.spearman[0][1].unwrap();
    // The ranks of the second are 5, 1, 4, 3, 2.
    assert!((rho - 0.5).abs() < 1e-12, "{rho}");
}

#[test]
fn unsigned_integers_keep_their_digits() {
    let values = UInt64Array::from(vec![Some(u64::MAX), Some(u64::MAX - 1), None, Some(0)]);
    let bytes = parquet(vec![("n", Arc::new(values))]);
    let profile = Bench::new().profile("a.parquet", bytes);
    assert_eq!(types(&profile), [ColumnType::Integer]);
    let n = numeric(&profile, "n");
    assert_eq!(json(&n.max), "18446744073709551615");
    assert_eq!(json(&n.sum), "36893488147419103229");
    assert_eq!(json(&n.quantiles.p50), "18446744073709551614");
    let column = column(&profile, "n");
    assert_eq!((column.count, column.missing, column.distinct), (3, 1, 3));
    let top = json(&column.top);
    assert!(
        top.contains(r#"{"value":18446744073709551615,"count":1}"#),
        "{top}"
    );
    // What was written is read again with all its digits.
    let read: Profile = serde_json::from_str(&json(&profile)).unwrap();
    assert_eq!(read, profile);
}

#[test]
fn decimals_keep_their_digits() {
    let digits: Vec<i128> = vec![
        12_345_678_901_234_567_890_123_456_789,
        12_345_678_901_234_567_890_123_456_788,
        -5,
    ];
    let values = Decimal128Array::from(digits)
        .with_precision_and_scale(38, 10)
        .unwrap();
    let bytes = parquet(vec![("x", Arc::new(values))]);
    let profile = Bench::new().profile("a.parquet", bytes);
    assert_eq!(types(&profile), [ColumnType::Float]);
    let x = numeric(&profile, "x");
    assert_eq!(json(&x.max), "1234567890123456789.0123456789");
    assert_eq!(json(&x.min), "-5e-10");
    assert_eq!(json(&x.sum), "2469135780246913578.0246913572");
    assert_eq!(column(&profile, "x").distinct, 3);
    let top = json(&column(&profile, "x").top);
    assert!(top.contains("1234567890123456789.0123456788"), "{top}");
}

#[test]
fn decimals_beyond_38_digits_are_rounded_with_a_warning() {
    let digits = [
        i256::from_i128(i128::MAX).wrapping_mul(i256::from_i128(1000)),
        i256::ONE,
    ];
    let values = Decimal256Array::from_iter_values(digits)
        .with_precision_and_scale(50, 2)
        .unwrap();
    let bytes = parquet(vec![("x", Arc::new(values))]);
    let profile = Bench::new().profile("a.parquet", bytes);
    assert_eq!(types(&profile), [ColumnType::Float]);
    assert_eq!(column(&profile, "x").count, 2);
    let warning = warning(&profile, "rounded_numbers");
    assert_eq!(warning.count, 1);
    assert!(warning.detail.contains("x (1)"), "{}", warning.detail);
}

#[test]
fn the_decimals_of_a_ledger_are_those_of_its_file() {
    let (name, bytes) = fixture!("decimals.parquet");
    let profile = Bench::new().profile(name, bytes);
    let text = json(&profile.columns);
    assert!(
        text.contains("12345.6789") && text.contains("2805"),
        "{text}"
    );
    assert!(
        !text.contains("12345.678899") && !text.contains("2804.99999"),
        "{text}"
    );
}

#[test]
fn integers_beyond_64_bits_are_told_and_counted() {
    let bench = Bench::new();
    let csv = "n,id\n1,007\n99999999999999999999,99999999999999999999\n-99999999999999999999,008\n";
    let profile = bench.profile("a.csv", csv);
    assert_eq!(types(&profile), [ColumnType::String, ColumnType::String]);
    let warning = warning(&profile, "long_integers");
    assert_eq!(warning.count, 2);
    assert!(warning.detail.contains("n (2)"), "{}", warning.detail);
    let lines = "{\"n\":1}\n{\"n\":99999999999999999999}\n{\"n\":18446744073709551616}\n";
    let profile = bench.profile("a.ndjson", lines);
    let warning = profile
        .warnings
        .iter()
        .find(|w| w.code == "rounded_numbers");
    assert_eq!(warning.map(|w| w.count), Some(2));
}

#[test]
fn fractions_with_more_digits_than_a_double_holds_are_reported_and_counted() {
    let bench = Bench::new();
    let csv = "x,y\n12345678901234.123456,0.12345678901234567\n12345678901234.123457,1.5\n";
    let profile = bench.profile("a.csv", csv);
    assert_eq!(types(&profile), [ColumnType::Float, ColumnType::Float]);
    let rounded = warning(&profile, "rounded_numbers");
    assert_eq!(rounded.count, 2);
    assert!(rounded.detail.contains("x (2)"), "{}", rounded.detail);
    let lines = "{\"x\":12345678901234.123456}\n{\"x\":1.5}\n";
    let profile = bench.profile("a.ndjson", lines);
    assert_eq!(warning(&profile, "rounded_numbers").count, 1);
}

#[test]
fn texts_and_numbers_of_json_that_count_as_one_value_raise_an_alert() {
    let bench = Bench::new();
    for lines in [
        "{\"x\":1}\n{\"x\":\"1\"}\n",
        "{\"x\":true}\n{\"x\":\"true\"}\n",
        "{\"x\":[1]}\n{\"x\":\"[1]\"}\n",
    ] {
        let profile = bench.profile("a.ndjson", lines);
        assert_eq!(profile.columns[0].distinct, 1);
        let alert = profile.alerts.iter();
        let mut alert = alert.filter(|alert| alert.code == AlertCode::MixedTypes);
        let detail = &alert.next().unwrap().detail;
        assert!(detail.contains("1 of 2 values (50.0%)"), "{detail}");
        assert!(detail.contains("1 text among them"), "{detail}");
    }
    let profile = bench.profile("a.ndjson", "{\"x\":1}\n{\"x\":true}\n");
    assert_eq!(profile.columns[0].distinct, 2);
    assert!(!alerts(&profile, Some("x")).contains(&"mixed_types"));
}

#[test]
fn the_largest_doubles_have_a_mean_quantiles_and_a_sum() {
    let csv = "x\n1e308\n1e308\n-1e308\n1e308\n-1.5e308\n";
    let profile = Bench::new().profile("a.csv", csv);
    let x = numeric(&profile, "x");
    let near = |found: Option<f64>, expected: f64| {
        let found = found.unwrap();
        assert!((found / expected - 1.0).abs() < 1e-12, "{found} {expected}");
    };
    near(x.sum.map(|sum| sum.as_f64()), 0.5e308);
    near(x.mean, 0.1e308);
    near(x.quantiles.p50.map(|p| p.as_f64()), 1e308);
    near(x.quantiles.p25.map(|p| p.as_f64()), -1e308);
    near(x.quantiles.p05.map(|p| p.as_f64()), -1.4e308);
    let both = Bench::new().profile("a.csv", "x\n1.7e308\n1.7e308\n");
    let x = numeric(&both, "x");
    near(x.mean, 1.7e308);
    // 3.4e308 is no double.
    assert_eq!(x.sum, None);
}

#[test]
fn moments_before_1970_are_cut_like_those_after_it() {
    let (name, bytes) = fixture!("before-1970.parquet");
    let profile = Bench::new().profile(name, bytes);
    let text = json(&profile.columns);
    assert!(text.contains("1969-12-31T23:59:59.999999Z"), "{text}");
    let values = TimestampNanosecondArray::from(vec![-1, -1000, -1001, 1, i64::MIN, i64::MAX]);
    let bytes = parquet(vec![("t", Arc::new(values))]);
    let profile = Bench::new().profile("a.parquet", bytes);
    let t = column(&profile, "t");
    assert_eq!((t.count, t.distinct), (6, 5));
}

#[test]
fn nested_values_are_as_different_as_they_are() {
    let (name, bytes) = fixture!("nested-text.parquet");
    let profile = Bench::new().profile(name, bytes);
    assert_eq!(profile.columns[0].distinct, 5);
    assert_eq!(profile.dataset.duplicate_rows, 0);
    let mut shown: Vec<String> = top(&profile.columns[0])
        .into_iter()
        .map(|(v, _)| v)
        .collect();
    shown.sort();
    let expected = [r#"["", ]"#, r#"["a", "b"]"#, r#"["a, b"]"#, "[]", "[null]"];
    assert_eq!(shown[1..], expected[1..], "{shown:?}");
    assert_eq!(shown[0], r#"[""]"#);
}

#[test]
fn correlations_are_over_the_rows_of_the_pair() {
    let bench = Bench::new();
    let (name, bytes) = fixture!("fill-value.csv");
    let profile = bench.profile(name, bytes);
    let r = profile.correlations.pearson[0][1].unwrap();
    assert!((r - 0.8932).abs() < 5e-5, "{r}");
    let (name, bytes) = fixture!("outlier.csv");
    let profile = bench.profile(name, bytes);
    let r = profile.correlations.pearson[0][1].unwrap();
    assert!((r - 0.3343).abs() < 5e-5, "{r}");
}

#[test]
fn a_percentile_is_interpolated_to_the_last_digit() {
    let (name, bytes) = fixture!("percentile.csv");
    let profile = Bench::new().profile(name, bytes);
    let p99 = numeric(&profile, "x").quantiles.p99.unwrap().as_f64();
    assert!((p99 - 8_678_401.869_099_9).abs() < 1e-6, "{p99}");
    let profile = Bench::new().profile("a.csv", "x\n1\n2\n3\n4\n");
    assert_eq!(json(&numeric(&profile, "x").quantiles.p95), "3.85");
}

fn contrast(bench: &Bench, before: &str, after: &str) -> Comparison {
    let before = bench.source("before.csv", before);
    let after = bench.source("after.csv", after);
    let options = ReadOptions::default();
    let (cancel, progress) = (Cancel::new(), Progress::new());
    bench
        .engine
        .compare(before, after, &options, &cancel, &progress)
        .unwrap()
}

/// So many rows, each of one of so many texts: another sample for each seed.
fn sample(rows: u64, texts: u64, seed: u64) -> String {
    let mut csv = String::from("name\n");
    let mut state = seed;
    for _ in 0..rows {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        csv.push_str(&format!("text {}\n", (state >> 33) % texts));
    }
    csv
}

#[test]
fn samples_of_the_same_texts_do_not_drift_however_many_texts_there_are() {
    let bench = Bench::new();
    for texts in [51u64, 60, 200, 500, 2000, 5000] {
        for rows in [2_000u64, 20_000] {
            let (before, after) = (sample(rows, texts, 1), sample(rows, texts, 99));
            let comparison = contrast(&bench, &before, &after);
            let name = &comparison.columns[0];
            // Twice the number of parts over the rows is expected; small counts spread more.
            let bound = 5.0 * 51.0 / rows as f64;
            let psi = name.psi.unwrap();
            assert!(psi <= bound, "{texts} texts, {rows} rows: {psi} > {bound}");
            assert_eq!(name.drift == Some(Drift::Major), psi >= 0.25);
        }
    }
}

#[test]
fn texts_that_do_not_fit_in_memory_are_counted_in_another_pass() {
    // Half of the rows are of twenty texts, the others are all different.
    let mixed = |seed: u64| {
        let mut csv = String::from("name\n");
        for row in 0..120_000u64 {
            let n = (row ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24;
            match row % 2 {
                0 => csv.push_str(&format!("often {}\n", n % 20)),
                _ => csv.push_str(&format!("once {n} {seed}\n")),
            }
        }
        csv
    };
    let (before, after) = (mixed(1), mixed(77));
    let exact = contrast(&Bench::new(), &before, &after);
    let small = contrast(&Bench::with(1, 16 << 20), &before, &after);
    let (exact, small) = (&exact.columns[0], &small.columns[0]);
    assert!(exact.psi.unwrap() < 0.01, "{:?}", exact.psi);
    // The categories beyond the twenty differ; what is counted of them does not matter much.
    assert!(
        (exact.psi.unwrap() - small.psi.unwrap()).abs() < 0.01,
        "{:?}",
        small.psi
    );
}

#[test]
fn comparing_many_columns_takes_time_for_each_once() {
    let bench = Bench::new();
    let names: Vec<String> = (0..4_000).map(|n| format!("c{n}")).collect();
    let row = vec!["1"; names.len()].join(",");
    let csv = format!("{}\n{row}\n{row}\n", names.join(","));
    let comparison = contrast(&bench, &csv, &csv);
    assert_eq!(comparison.columns.len(), 4_000);
    assert!(
        comparison
            .columns
            .iter()
            .all(|column| column.psi == Some(0.0))
    );
}

#[test]
fn a_seed_changes_no_exact_figure() {
    let bench = Bench::new();
    let mut source = bench.source("a.csv", sample(3_000, 700, 5));
    let profile = |source| {
        let (cancel, progress) = (Cancel::new(), Progress::new());
        let options = lastcall_domain::ProfileOptions::default();
        bench
            .engine
            .profile(source, &options, &cancel, &progress)
            .map(|mut profile| {
                // Which rows are shown is no figure.
                assert_eq!(std::mem::take(&mut profile.sample.random).len(), 5);
                profile
            })
            .unwrap()
    };
    let plain = profile(source.clone());
    source.seed = lastcall_engine::Source::seed_of(&"9f86d081".repeat(8));
    assert_ne!(source.seed, 0);
    assert_eq!(profile(source), plain);
}
