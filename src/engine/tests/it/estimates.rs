//! Statistics that do not fit in memory are estimates within their error bounds.

use lastcall_domain::profile::{Column, Profile};

use crate::support::{Bench, column};

/// Too little memory for exact values of 400,000 rows.
const SMALL: u64 = 32 << 20;
const ROWS: u64 = 400_000;

fn mixed(n: u64) -> u64 {
    let mut z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// `n` is a permutation of 0 to 399,999; `name` is different in every row but that every fifth
/// is "often"; `m` goes along with `n` but for noise; every tenth row is repeated.
fn dataset() -> String {
    let mut csv = String::from("n,name,m,few\n");
    for row in 0..ROWS {
        let row = if row % 10 == 9 { row - 1 } else { row };
        let n = row * 7919 % ROWS;
        let name = if row % 5 == 0 {
            "often".into()
        } else {
            format!("name {}", mixed(row))
        };
        csv.push_str(&format!(
            "{n},{name},{},{}\n",
            n + mixed(row) % 200_000,
            row % 50
        ));
    }
    csv
}

fn profile(threads: usize) -> Profile {
    Bench::with(threads, SMALL).profile("a.csv", dataset())
}

#[test]
fn estimates_are_flagged_and_within_their_error() {
    let estimated = profile(0);
    let exact = Bench::new().profile("a.csv", dataset());
    assert!(!exact.dataset.duplicate_rows_estimated && !exact.correlations.spearman_estimated);
    assert_eq!(exact.dataset.duplicate_rows, ROWS / 10);
    let off = |a: u64, b: u64| a.abs_diff(b) as f64;

    for name in ["n", "name", "m"] {
        let (guess, truth) = (column(&estimated, name), column(&exact, name));
        assert!(
            guess.distinct_estimated && !truth.distinct_estimated,
            "{name}"
        );
        let error = guess.distinct_error.unwrap();
        assert!(error < 0.05, "{error}");
        let found = off(guess.distinct, truth.distinct) / truth.distinct as f64;
        assert!(found <= error, "{name}: {found} > {error}");
    }

    let name = column(&estimated, "name");
    assert!(name.top_estimated);
    assert_eq!(name.top[0].value, "often");
    assert!(
        off(name.top[0].count, column(&exact, "name").top[0].count)
            <= name.top_error.unwrap() as f64
    );
    // Lengths are counted for every value, patterns over those that are kept, which it says.
    let lengths = |name: &Column| {
        let text = name.text.as_ref().unwrap();
        (text.min_length, text.max_length, text.mean_length)
    };
    assert_eq!(lengths(name), lengths(column(&exact, "name")));
    assert!(name.text.as_ref().unwrap().values_sampled.is_some());

    let guess = column(&estimated, "n").numeric.clone().unwrap();
    let truth = column(&exact, "n").numeric.clone().unwrap();
    assert_eq!(
        (guess.min, guess.max, guess.mean, guess.sum),
        (truth.min, truth.max, truth.mean, truth.sum)
    );
    assert_eq!((guess.std, guess.kurtosis), (truth.std, truth.kurtosis));
    let error = guess.quantiles.rank_error.unwrap();
    assert!(guess.quantiles.estimated && error < 0.05, "{error}");
    // The values are spread evenly, so that a rank is a value over the number of rows.
    for (guess, truth) in [
        (guess.quantiles.p01, truth.quantiles.p01),
        (guess.quantiles.p25, truth.quantiles.p25),
        (guess.quantiles.p50, truth.quantiles.p50),
        (guess.quantiles.p99, truth.quantiles.p99),
    ] {
        let found = (guess.unwrap().as_f64() - truth.unwrap().as_f64()).abs() / ROWS as f64;
        assert!(found <= error, "{found} > {error}");
    }
    assert!(guess.histogram.estimated && !truth.histogram.estimated);
    assert_eq!(guess.histogram.counts.iter().sum::<u64>(), ROWS);

    // Few different values are counted exactly however many rows there are.
    assert_eq!(column(&estimated, "few"), column(&exact, "few"));

    assert!(estimated.dataset.duplicate_rows_estimated);
    let error = estimated.dataset.duplicate_rows_error.unwrap();
    let found = off(estimated.dataset.duplicate_rows, ROWS / 10) / ROWS as f64;
    assert!(found <= error && error < 0.02, "{found} > {error}");

    assert!(estimated.correlations.spearman_estimated);
    let sample = estimated.correlations.spearman_sample.unwrap();
    assert!(sample > 5_000, "{sample}");
    let at = |profile: &Profile| profile.correlations.spearman[0][1].unwrap();
    assert!((at(&estimated) - at(&exact)).abs() < 3.0 / (sample as f64).sqrt());
    assert_eq!(estimated.correlations.pearson, exact.correlations.pearson);
}

#[test]
fn estimates_are_the_same_in_every_run_on_any_number_of_threads() {
    let one = profile(0);
    assert_eq!(profile(2), one);
    assert_eq!(profile(5), one);
}

#[test]
fn an_engine_without_enough_memory_says_so() {
    let failure = Bench::with(0, 1 << 20).failure("a.csv", "a\n1\n");
    assert!(failure.starts_with("resource_exhausted"), "{failure}");
}
