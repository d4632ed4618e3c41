use super::*;
use crate::keys::{float_of_key, integer_of_key, key_of_float, key_of_integer};
use crate::stats::distinct::mix;

#[test]
fn percentiles_of_whole_numbers_lie_between_them_to_the_last_digit() {
    let first = 9_007_199_254_740_993i64;
    let values: Vec<(u64, u64)> = (0..3).map(|n| (key_of_integer(first + n), 1)).collect();
    let sums = running(&values);
    let at = |percent| {
        let digits = |key| i128::from(integer_of_key(key));
        let number = percentile(&values, &sums, percent, digits, 0);
        serde_json::to_string(&number).unwrap_or_default()
    };
    assert_eq!(at(0), "9007199254740993");
    assert_eq!(at(50), "9007199254740994");
    assert_eq!(at(95), "9007199254740994.9");
    assert_eq!(at(100), "9007199254740995");
}

#[test]
fn quantiles_of_the_largest_doubles_are_doubles() {
    let values = [-f64::MAX, f64::MAX].map(|x| (key_of_float(x), 1));
    let sums = running(&values);
    assert_eq!(quantile(&values, &sums, 0.5, float_of_key), Some(0.0));
}

#[test]
fn every_other_value_of_two_buffers_is_kept() {
    for odd in [false, true] {
        for mask in [0, 1, 7, 255, u64::MAX] {
            let sorted = |from: u64| {
                let mut keys: Vec<u64> = (from..from + 64).map(|n| mix(n) & mask).collect();
                keys.sort_unstable();
                keys
            };
            let (a, b) = (sorted(0), sorted(64));
            let mut all = [a.as_slice(), &b].concat();
            all.sort_unstable();
            let skipped = usize::from(!odd);
            let expected: Vec<u64> = all.into_iter().skip(skipped).step_by(2).collect();
            assert_eq!(every_other(&a, &b, odd), expected);
        }
    }
}

#[test]
fn no_rank_is_further_off_than_claimed_whatever_the_order() {
    for order in 0..4u64 {
        let n = 300_000u64;
        let key = |i: u64| match order {
            0 => i,
            1 => n - i,
            2 => i * 7919 % n,
            _ => {
                if i.is_multiple_of(2) {
                    i / 2
                } else {
                    n - i / 2
                }
            }
        };
        let mut sketch = OrderSketch::new(0);
        (0..n).for_each(|i| sketch.push(key(i)));
        let error = sketch.rank_error();
        assert!(error < 0.12, "{error}");
        let weighted = sketch.finish();
        let sums = running(&weighted);
        assert_eq!(sums.last(), Some(&n));
        for percent in 1..100u64 {
            let value = percent * n / 100;
            let index = weighted.partition_point(|&(key, _)| key < value);
            let rank = if index == 0 { 0 } else { sums[index - 1] };
            let off = rank.abs_diff(value) as f64 / n as f64;
            assert!(off <= error, "{order}, {percent} %: {off} > {error}");
        }
    }
}
