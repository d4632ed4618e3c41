//! Checks of numbers do not depend on rounding.

use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, UInt64Array};
use lastcall_domain::check::{Bound, Check, CheckResult, Rule, ValueType};
use serde_json::{Value, json};

use crate::checks::{bound, check, kind, one, outcome, range, reads};
use crate::support::{Bench, parquet};

fn numbers() -> Vec<u8> {
    let large: ArrayRef = Arc::new(UInt64Array::from(vec![u64::MAX, u64::MAX - 1, 3]));
    let decimals = Decimal128Array::from(vec![10_000_000_000_000_000_000_000_001, 5, 700]);
    let decimals = decimals.with_precision_and_scale(30, 3).unwrap();
    parquet(vec![("u", large), ("d", Arc::new(decimals))])
}

fn of_numbers(asked: Check) -> CheckResult {
    let bench = Bench::new();
    let source = bench.source("t.parquet", numbers());
    reads(&bench, &source, vec![], vec![asked]).checks.remove(0)
}

#[test]
fn decimals_and_unsigned_integers_are_compared_by_all_of_their_digits() {
    let below = |value: Value| Bound {
        value,
        exclusive: true,
    };
    for (asked, failing) in [
        (range(None, bound(u64::MAX - 1), "u"), vec![1]),
        (range(None, Some(below(json!(u64::MAX))), "u"), vec![1]),
        (range(bound("18446744073709551615"), None, "u"), vec![2, 3]),
        (check(Rule::Unique, &["u"]), vec![]),
        (
            check(Rule::Set(vec![json!(u64::MAX), json!("3")]), &["u"]),
            vec![2],
        ),
        (check(Rule::MultipleOf(2.0), &["u"]), vec![1, 3]),
        (kind(ValueType::Integer, "u"), vec![]),
        (
            range(bound(0.005), bound("10000000000000000000000.001"), "d"),
            vec![],
        ),
        (
            range(bound(0.005), bound("10000000000000000000000.0009"), "d"),
            vec![1],
        ),
        (check(Rule::MultipleOf(0.01), &["d"]), vec![1, 2]),
        (
            check(Rule::Set(vec![json!(0.7), json!("0.0050")]), &["d"]),
            vec![1],
        ),
        (kind(ValueType::Number, "d"), vec![]),
        (kind(ValueType::Integer, "d"), vec![1, 2, 3]),
    ] {
        let shown = format!("{asked:?}");
        let found = of_numbers(asked);
        assert_eq!(found.error, None, "{shown}");
        assert_eq!(outcome(&found).2, failing, "{shown}");
    }
    let found = of_numbers(range(bound(u64::MAX), bound(u64::MAX), "u"));
    assert_eq!(found.examples[0].values["u"], json!(u64::MAX - 1));
    let found = of_numbers(range(None, bound(1), "d"));
    assert_eq!(
        found.examples[0].values["d"],
        json!("10000000000000000000000.001")
    );
}

#[test]
fn numbers_among_texts_are_compared_by_their_digits_as_well() {
    let csv = "n\n18446744073709551615\nx\n0.1\n18446744073709551614\n007\n";
    let found = one(csv, kind(ValueType::Integer, "n"));
    assert_eq!(outcome(&found), ("failed", Some(3), vec![2, 3, 5]));
    let most = range(None, bound(u64::MAX - 1), "n");
    assert_eq!(outcome(&one(csv, most)).2, [1]);
}

#[test]
fn a_large_number_is_a_multiple_only_where_it_is_one() {
    let csv = "n,x\n2000000001,2000000000.5\n9007199254740993,0.07\n4,123456.78\n";
    let step = |step, column: &str| one(csv, check(Rule::MultipleOf(step), &[column]));
    assert_eq!(outcome(&step(2.0, "n")).2, [1, 2]);
    assert_eq!(outcome(&step(0.5, "n")).2, Vec::<u64>::new());
    assert_eq!(outcome(&step(0.01, "x")).2, Vec::<u64>::new());
    assert_eq!(outcome(&step(1.0, "x")).2, [1, 2, 3]);
}

#[test]
fn objects_and_arrays_are_checked_without_being_held() {
    let csv = "v\n\"{\"\"a\"\": [1, {}]}\"\n\" [1, 2]\"\n{\n\"[1,]\"\n12\n\"{} x\"\n";
    let found = one(csv, kind(ValueType::Object, "v"));
    assert_eq!(outcome(&found).1, Some(5));
    assert_eq!(outcome(&found).2, [2, 3, 4]);
    let found = one(csv, kind(ValueType::Array, "v"));
    assert_eq!(outcome(&found).2, [1, 3, 4]);
}

#[test]
fn the_rows_that_thousands_of_checks_show_stay_few() {
    let bench = Bench::with(1, 256 << 20);
    let csv = format!("a,b\n{}", "1,2\n".repeat(20_000));
    let source = bench.source("t.csv", csv);
    let checks = vec![check(Rule::Set(vec![json!(7)]), &["a"]); 10_000];
    let few = reads(&bench, &source, vec![], checks[..10].to_vec());
    let shown = |result: &CheckResult| result.examples.len();
    assert!(few.checks.iter().all(|result| shown(result) == 3));
    let short = bench.source("u.csv", "a,b\n1,2\n1,2\n1,2\n1,2\n");
    let many = reads(&bench, &short, vec![], checks);
    assert_eq!(many.totals.failed, 10_000);
    assert!(many.checks.iter().all(|result| shown(result) == 2));
}
