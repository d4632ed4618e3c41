//! The checks of data contracts, on files.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};
use chrono::{TimeZone as _, Utc};
use lastcall_domain::check::{
    Accept, Bound, Check, CheckPlan, CheckReport, CheckResult, Condition, Form, Rule, ValueType,
};
use lastcall_domain::{Cancel, Progress, ReadOptions};
use lastcall_engine::{CheckInput, Source};
use serde_json::{Value, json};

use crate::support::{Bench, parquet};

pub(crate) fn check(rule: Rule, columns: &[&str]) -> Check {
    Check {
        rule,
        columns: columns.iter().map(ToString::to_string).collect(),
        path: "here".into(),
        name: None,
        accept: None,
    }
}

pub(crate) fn kind(kind: ValueType, column: &str) -> Check {
    check(Rule::Type(kind), &[column])
}

pub(crate) fn bound(value: impl Into<Value>) -> Option<Bound> {
    Some(Bound {
        value: value.into(),
        exclusive: false,
    })
}

pub(crate) fn range(min: Option<Bound>, max: Option<Bound>, column: &str) -> Check {
    check(Rule::Range { min, max }, &[column])
}

pub(crate) fn reads(
    bench: &Bench,
    source: &Source,
    others: Vec<Source>,
    checks: Vec<Check>,
) -> CheckReport {
    let plan = CheckPlan {
        checks,
        examples: 3,
        ..CheckPlan::default()
    };
    let others = others
        .into_iter()
        .map(|other| (other.name.clone(), (other, ReadOptions::default())));
    let references: BTreeMap<_, _> = others.collect();
    let read = ReadOptions::default();
    let input = CheckInput {
        source,
        read: &read,
        plan: &plan,
        references: &references,
        now: Utc.with_ymd_and_hms(2024, 5, 10, 0, 0, 0).unwrap(),
    };
    bench
        .engine
        .check(&input, &Cancel::new(), &Progress::new())
        .unwrap()
}

/// The report with these read options.
fn reads_with(bench: &Bench, source: &Source, read: &ReadOptions, plan: &CheckPlan) -> CheckReport {
    let input = CheckInput {
        source,
        read,
        plan,
        references: &BTreeMap::new(),
        now: Utc.with_ymd_and_hms(2024, 5, 10, 0, 0, 0).unwrap(),
    };
    bench
        .engine
        .check(&input, &Cancel::new(), &Progress::new())
        .unwrap()
}

pub(crate) fn one(bytes: &str, asked: Check) -> CheckResult {
    let bench = Bench::new();
    let source = bench.source("t.csv", bytes);
    let mut report = reads(&bench, &source, vec![], vec![asked]);
    assert_eq!(report.totals.checks, 1);
    report.checks.remove(0)
}

/// How the check ended, the failing rows, and the rows that are shown.
pub(crate) fn outcome(result: &CheckResult) -> (&str, Option<u64>, Vec<u64>) {
    let rows = result.examples.iter().filter_map(|row| row.row);
    (
        result.status.as_str(),
        result.failed_rows,
        rows.collect::<Vec<_>>(),
    )
}

#[test]
fn a_column_of_the_type_passes_and_cells_of_another_are_named() {
    let good = one("id,x\n1,a\n2,b\n", kind(ValueType::Integer, "id"));
    assert_eq!(outcome(&good), ("passed", Some(0), vec![]));
    let bad = one(
        "id,x\n1,a\ntwo,b\n3,c\n4.5,d\n",
        kind(ValueType::Integer, "id"),
    );
    assert_eq!(outcome(&bad), ("failed", Some(2), vec![2, 4]));
    assert_eq!(bad.examples[0].values["id"], "two");
    for (wanted, cells, failing) in [
        (ValueType::Number, "1\n2.5\nx\n1.234,5\n", vec![3]),
        (ValueType::Date(None), "2024-01-01\n31/02/2024\n", vec![2]),
        (
            ValueType::Date(Some("%d.%m.%Y".into())),
            "31.12.2024\n2024-12-31\n",
            vec![2],
        ),
        (
            ValueType::Timestamp(None),
            "2024-01-01T10:00:00Z\nsoon\n2024-01-01\n",
            vec![2],
        ),
        (ValueType::Time(None), "10:00:00\n25:00:00\n", vec![2]),
        (
            ValueType::Boolean {
                yes: vec![],
                no: vec![],
            },
            "true\n0\nFALSE\nja\n",
            vec![4],
        ),
        (
            ValueType::Boolean {
                yes: vec!["ja".into()],
                no: vec!["nein".into()],
            },
            "ja\ntrue\n",
            vec![2],
        ),
        (ValueType::Form(Form::Email), "a@example.org\nb@\n", vec![2]),
        (ValueType::Object, "\"{\"\"a\"\": 1}\"\n[1]\n", vec![2]),
        (ValueType::String, "1\nx\n", vec![]),
    ] {
        let shown = format!("{wanted:?}");
        let found = one(&format!("v\n{cells}"), kind(wanted, "v"));
        assert_eq!(outcome(&found).2, failing, "{shown}");
    }
}

#[test]
fn missing_values_are_a_matter_of_not_null_alone() {
    let csv = "a,b\n1,x\n,y\nNA,x\n";
    let found = one(csv, check(Rule::NotNull, &["a"]));
    assert_eq!(outcome(&found), ("failed", Some(2), vec![2, 3]));
    assert_eq!(found.examples[0].values["a"], Value::Null);
    for passing in [
        kind(ValueType::Integer, "a"),
        check(Rule::Unique, &["a"]),
        range(bound(0), bound(9), "a"),
        check(Rule::Set(vec![json!(1)]), &["a"]),
    ] {
        let found = one(csv, passing);
        assert_eq!(outcome(&found), ("passed", Some(0), vec![]), "{found:?}");
    }
}

#[test]
fn values_and_combinations_that_repeat_an_earlier_one_fail() {
    let csv = "a,b\n1,x\n2,x\n1,x\n1,y\n";
    let found = one(csv, check(Rule::Unique, &["a"]));
    assert_eq!(outcome(&found), ("failed", Some(2), vec![3, 4]));
    let found = one(csv, check(Rule::Unique, &["a", "b"]));
    assert_eq!(outcome(&found), ("failed", Some(1), vec![3]));
    assert_eq!(found.examples[0].values["b"], "x");
}

#[test]
fn ranges_are_of_numbers_and_of_times() {
    let csv =
        "n,f,d,t\n1,0.5,2024-01-01,2024-01-01T00:00:00Z\n7,9.5,2024-06-01,2024-06-01T12:00:00Z\n";
    for (asked, failing) in [
        (range(bound(2), None, "n"), vec![1]),
        (range(bound(1), bound(7), "n"), vec![]),
        (range(None, bound(6.5), "f"), vec![2]),
        (range(bound("2024-02-01"), None, "d"), vec![1]),
        (range(None, bound("2024-06-01T11:59:59Z"), "t"), vec![2]),
        (range(None, bound("2024-05-31"), "t"), vec![2]),
    ] {
        let found = one(csv, asked);
        assert_eq!(outcome(&found).2, failing, "{found:?}");
    }
    let exclusive = range(
        Some(Bound {
            value: json!(1),
            exclusive: true,
        }),
        None,
        "n",
    );
    assert_eq!(outcome(&one(csv, exclusive)).2, [1]);
    let senseless = one(csv, range(bound("soon"), None, "d"));
    assert_eq!(senseless.error.as_deref(), Some("invalid_contract"));
}

#[test]
fn texts_are_looked_at_as_they_are_written() {
    let csv = "zip,n\n01234,1\n1234,2\n99999,3\n";
    let pattern = check(Rule::Pattern("^[0-9]{5}$".into()), &["zip"]);
    assert_eq!(outcome(&one(csv, pattern)), ("failed", Some(1), vec![2]));
    let length = Rule::Length {
        min: Some(5),
        max: Some(5),
    };
    assert_eq!(outcome(&one(csv, check(length, &["zip"]))).2, [2]);
    let set = Rule::Set(vec![json!("01234"), json!("99999")]);
    assert_eq!(outcome(&one(csv, check(set, &["zip"]))).2, [2]);
    let set = Rule::Set(vec![json!(1), json!("2")]);
    assert_eq!(outcome(&one(csv, check(set, &["n"]))).2, [3]);
    assert_eq!(
        outcome(&one(csv, check(Rule::MultipleOf(0.5), &["n"]))).0,
        "passed"
    );
    assert_eq!(
        outcome(&one(csv, check(Rule::MultipleOf(2.0), &["n"]))).2,
        [1, 3]
    );
}

#[test]
fn a_foreign_key_finds_its_value_whatever_both_are_read_as() {
    let bench = Bench::new();
    let source = bench.source("orders.csv", "id,customer\n1,7\n2,8\n3,\n4,9\n");
    let customers = bench.source("customers.csv", "id,name\n7,a\n9,b\nx,c\n");
    let rule = Rule::ForeignKey {
        dataset: Some("customers.csv".into()),
        columns: vec!["id".into()],
    };
    let keys = vec![
        check(rule.clone(), &["customer"]),
        check(
            Rule::ForeignKey {
                dataset: None,
                columns: vec!["id".into()],
            },
            &["id"],
        ),
        check(
            Rule::ForeignKey {
                dataset: Some("other".into()),
                columns: vec!["id".into()],
            },
            &["id"],
        ),
        check(
            Rule::ForeignKey {
                dataset: Some("customers.csv".into()),
                columns: vec!["ide".into()],
            },
            &["id"],
        ),
    ];
    let report = reads(&bench, &source, vec![customers], keys);
    assert_eq!(outcome(&report.checks[0]), ("failed", Some(1), vec![2]));
    assert_eq!(outcome(&report.checks[1]).0, "passed");
    assert_eq!(report.checks[2].error.as_deref(), Some("dataset_not_found"));
    assert_eq!(report.checks[3].error.as_deref(), Some("unknown_column"));
    assert_eq!((report.totals.failed, report.totals.errors), (1, 2));
    assert!(!report.passed);
}

#[test]
fn freshness_is_measured_at_the_clock_that_is_passed_in() {
    let days = |n: u64| Rule::Freshness(std::time::Duration::from_secs(n * 86_400));
    let csv = "at\n2024-05-01\n2024-05-08\n2024-05-03\n";
    assert_eq!(outcome(&one(csv, check(days(2), &["at"]))).0, "passed");
    let stale = one(csv, check(days(1), &["at"]));
    assert_eq!(outcome(&stale), ("failed", None, vec![2]));
    assert!(stale.detail.unwrap().contains("2d old"));
    let none = one("at,b\n,1\n", check(days(1), &["at"]));
    assert_eq!(outcome(&none).0, "failed");
}

#[test]
fn a_column_that_is_not_there_fails_and_its_other_checks_say_so() {
    let bench = Bench::new();
    let source = bench.source("t.csv", "Customer,b\n1,2\n");
    let checks = vec![
        check(Rule::Column, &["customer"]),
        check(Rule::NotNull, &["customer"]),
        check(Rule::Column, &["b"]),
    ];
    let report = reads(&bench, &source, vec![], checks);
    assert_eq!(report.checks[0].status.as_str(), "failed");
    let detail = report.checks[0].detail.as_deref().unwrap();
    assert!(detail.ends_with("did you mean `Customer`?"), "{detail}");
    assert_eq!(report.checks[1].error.as_deref(), Some("unknown_column"));
    assert_eq!(report.checks[2].status.as_str(), "passed");
}

#[test]
fn counts_that_the_contract_accepts_pass() {
    let accepting = |rule, column: &[&str], accept| Check {
        accept: Some(accept),
        ..check(rule, column)
    };
    let few = Accept {
        conditions: vec![Condition::Below(2u64.into())],
        percent: false,
    };
    let csv = "a,b\n1,x\n,x\n3,x\n4,x\n";
    let found = one(csv, accepting(Rule::NotNull, &["a"], few.clone()));
    assert_eq!(outcome(&found), ("passed", Some(1), vec![2]));
    let percent = Accept {
        percent: true,
        ..few
    };
    let found = one(csv, accepting(Rule::NotNull, &["a"], percent));
    assert_eq!(outcome(&found).0, "failed");
    let rows = |min, max| accepting(Rule::RowCount, &[], Accept::between(min, max));
    assert_eq!(outcome(&one(csv, rows(Some(4), Some(4)))).0, "passed");
    let found = one(csv, rows(None, Some(3)));
    assert_eq!((outcome(&found).0, found.failed_rows), ("failed", None));
}

#[test]
fn all_formats_are_checked_alike_and_rows_are_counted_over_batches() {
    let bench = Bench::with(2, 64 << 20);
    let mut csv = String::from("id,name,at\n");
    for row in 0..60_000 {
        let name = if row == 50_000 { "" } else { "somebody" };
        csv += &format!("{row},{name},2024-01-01\n");
    }
    let source = bench.source("many.csv", &csv);
    let parquet = bench.path("many.parquet");
    let (cancel, progress) = (Cancel::new(), Progress::new());
    bench
        .engine
        .to_parquet(
            source.clone(),
            &ReadOptions::default(),
            &parquet,
            &cancel,
            &progress,
        )
        .unwrap();
    let parquet = Source::new(parquet, lastcall_domain::Format::Parquet);
    let checks = || {
        vec![
            kind(ValueType::Integer, "id"),
            kind(ValueType::Date(None), "at"),
            check(Rule::NotNull, &["name"]),
            check(Rule::Unique, &["id"]),
            range(None, bound(59_998), "id"),
            check(Rule::Pattern("^some".into()), &["name"]),
        ]
    };
    for source in [source, parquet] {
        let report = reads(&bench, &source, vec![], checks());
        let ended: Vec<_> = report.checks.iter().map(|c| outcome(c).2).collect();
        let expected: [&[u64]; 6] = [&[], &[], &[50_001], &[], &[60_000], &[]];
        assert_eq!(ended, expected, "{}", source.name);
        assert_eq!(report.rows, 60_000);
    }
}

#[test]
fn a_check_without_enough_memory_fails_alone() {
    let bench = Bench::with(0, 16 << 20);
    let mut csv = String::from("id,x\n");
    for row in 0..400_000 {
        csv += &format!("{row},{}\n", row % 2);
    }
    let source = bench.source("many.csv", &csv);
    let checks = vec![
        check(Rule::Unique, &["id"]),
        check(Rule::Set(vec![json!(0)]), &["x"]),
    ];
    let report = reads(&bench, &source, vec![], checks);
    assert_eq!(
        report.checks[0].error.as_deref(),
        Some("resource_exhausted")
    );
    assert_eq!(report.checks[1].failed_rows, Some(200_000));
}

#[test]
fn a_bad_cell_does_not_make_cells_with_the_given_marks_fail() {
    for (csv, decimal, thousands, kind_of_a) in [
        (
            "a;b\n1.000,5;x\n2;x\nfoo;x\n1,5;x\n",
            ",",
            ".",
            ValueType::Number,
        ),
        (
            "a;b\n1,000.5;x\n2;x\nfoo;x\n1.5;x\n",
            ".",
            ",",
            ValueType::Number,
        ),
        (
            "a;b\n1,000;x\n2;x\nfoo;x\n-1,000,000;x\n",
            ".",
            ",",
            ValueType::Integer,
        ),
        (
            "a;b\n1.000;x\n2;x\nfoo;x\n-1.000.000;x\n",
            ",",
            ".",
            ValueType::Integer,
        ),
    ] {
        let mut read = ReadOptions::default();
        read.set("decimal", decimal).unwrap();
        read.set("thousands", thousands).unwrap();
        read.set("delimiter", ";").unwrap();
        let bench = Bench::new();
        let source = bench.source("t.csv", csv);
        let plan = CheckPlan {
            checks: vec![kind(kind_of_a, "a"), range(bound(-1e7), bound(1e4), "a")],
            examples: 3,
            ..CheckPlan::default()
        };
        let report = reads_with(&bench, &source, &read, &plan);
        assert_eq!(
            outcome(&report.checks[0]),
            ("failed", Some(1), vec![3]),
            "{csv}"
        );
        assert_eq!(report.checks[1].failed_rows, Some(0), "{csv}");
    }
}

#[test]
fn what_is_missing_does_not_depend_on_the_type_in_the_contract() {
    let floats: ArrayRef = Arc::new(Float64Array::from(vec![Some(1.0), Some(f64::NAN), None]));
    let file = parquet(vec![("a", floats)]);
    for kind_of_a in [ValueType::Integer, ValueType::Number, ValueType::String] {
        let bench = Bench::new();
        let source = bench.source("t.parquet", &file);
        let checks = vec![kind(kind_of_a.clone(), "a"), check(Rule::NotNull, &["a"])];
        let report = reads(&bench, &source, vec![], checks);
        assert_eq!(
            outcome(&report.checks[1]),
            ("failed", Some(2), vec![2, 3]),
            "{kind_of_a:?}"
        );
    }
    // Where the options list other markers.
    for kind_of_a in [ValueType::Integer, ValueType::Number] {
        let bench = Bench::new();
        let source = bench.source("t.csv", "a,b\n1.5,x\nNaN,x\n-,x\n");
        let read = ReadOptions {
            missing: Some(vec!["-".into()]),
            ..ReadOptions::default()
        };
        let plan = CheckPlan {
            checks: vec![kind(kind_of_a.clone(), "a"), check(Rule::NotNull, &["a"])],
            examples: 3,
            ..CheckPlan::default()
        };
        let report = reads_with(&bench, &source, &read, &plan);
        assert_eq!(
            outcome(&report.checks[1]),
            ("failed", Some(2), vec![2, 3]),
            "{kind_of_a:?}"
        );
    }
}
