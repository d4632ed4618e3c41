//! The type of a column, and alerts about it.

use std::sync::Arc;

use arrow::array::StringArray;
use lastcall_domain::profile::{ColumnType, Number, Profile};
use lastcall_domain::{DateOrder, ProfileOptions, ReadOptions};
use serde_json::json;

use crate::support::{Bench, alerts, column, parquet, top, types};

fn kind_of(cells: &[&str]) -> ColumnType {
    let lines: Vec<String> = cells.iter().map(|cell| format!("{cell},x\n")).collect();
    Bench::new()
        .profile("a.csv", format!("a,b\n{}", lines.concat()))
        .columns[0]
        .kind
}

#[test]
fn types_are_those_that_people_agree_with() {
    use ColumnType::{Boolean, Date, Float, Integer, String, Timestamp};
    for (cells, kind) in [
        (&["1", "-2", "+3"][..], Integer),
        (&["1", "", "NA", "3"], Integer),
        (&["9223372036854775807", "-9223372036854775808"], Integer),
        (&["1", "2.5"], Float),
        (&["1.0", "2.0"], Float),
        (&["1e5", "inf", "-Infinity", "nan"], Float),
        (&["true", "FALSE", "True"], Boolean),
        (&["yes", "no"], String),
        (&["0", "1"], Integer),
        (&["007", "123"], String),
        (&["9223372036854775808", "1"], String),
        (&["2012-01-31", "1958/2/3"], Date),
        (&["31/01/2012", "01/02/2012"], Date),
        (&["01/31/2012", "01/02/2012"], Date),
        (&["01/02/2012", "03/04/2012"], String),
        (&["31/01/2012", "01/31/2012"], String),
        (&["5 Jan 2012", "17 December 1999"], Date),
        (&["2013-01-01T10:00:00Z", "2013-01-01 10:00"], Timestamp),
        (&["2012-01-31", "2013-01-01T10:00:00+02:00"], Timestamp),
        (&["1", "true"], String),
        (&["1", "2012-01-31"], String),
        (&["", "NA"], String),
    ] {
        assert_eq!(kind_of(cells), kind, "{cells:?}");
    }
}

#[test]
fn a_letter_in_the_last_row_makes_a_column_text_and_an_alert_says_so() {
    let mut csv = String::from("n,m\n");
    for row in 0..60_000 {
        csv.push_str(&format!("{row},{row}\n"));
    }
    csv.push_str("1,x\n");
    let profile = Bench::new().profile("a.csv", csv);
    assert_eq!(types(&profile), [ColumnType::Integer, ColumnType::String]);
    let m = column(&profile, "m");
    assert_eq!((m.count, m.distinct), (60_001, 60_001));
    assert_eq!(m.text.as_ref().unwrap().max_length, Some(5));
    // It says more than that the types are mixed, which is left out.
    assert!(alerts(&profile, Some("m")).contains(&"likely_number"));
    assert!(!alerts(&profile, Some("m")).contains(&"mixed_types"));
    assert!(!alerts(&profile, Some("n")).contains(&"likely_number"));
}

#[test]
fn postal_codes_are_text_without_an_alert() {
    let profile = Bench::new().profile("a.csv", "zip,n\n01234,1\n10115,2\n80331,3\n");
    assert_eq!(column(&profile, "zip").kind, ColumnType::String);
    assert!(!alerts(&profile, Some("zip")).contains(&"mixed_types"));
}

#[test]
fn a_type_that_shows_only_after_the_first_look_is_found() {
    let mut csv = String::from("late,mostly\n");
    for _ in 0..200_000 {
        csv.push_str(",1\n");
    }
    csv.push_str("2012-01-31,2.5\n");
    let profile = Bench::new().profile("a.csv", csv);
    assert_eq!(types(&profile), [ColumnType::Date, ColumnType::Float]);
    assert_eq!(top(column(&profile, "late")), [("2012-01-31".into(), 1)]);
    assert_eq!(
        column(&profile, "mostly").numeric.as_ref().unwrap().max,
        Some(Number::Float(2.5))
    );
}

#[test]
fn infinities_are_counted_and_leave_what_they_spoil_undefined() {
    let profile = Bench::new().profile("a.csv", "x,y\n1.5,1\ninf,2\n-2.5,3\n-inf,4\n0,5\n");
    let x = column(&profile, "x").numeric.clone().unwrap();
    assert_eq!((x.infinities, x.negatives, x.zeros), (2, 2, 1));
    assert_eq!((x.mean, x.std, x.sum), (None, None, None));
    assert_eq!(x.min, Some(Number::Float(f64::NEG_INFINITY)));
    assert_eq!(x.quantiles.p50, Some(Number::Float(0.0)));
    assert_eq!(x.histogram.counts.iter().sum::<u64>(), 3);
    assert_eq!(alerts(&profile, Some("x")), ["unique", "infinite"]);
    // Pearson over the three rows in which both are finite.
    let r = profile.correlations.pearson[0][1].unwrap();
    assert!((r - -0.371_153_744_479_045_1).abs() < 1e-12, "{r}");
}

#[test]
fn nan_in_any_case_is_a_missing_float_and_a_word_among_words() {
    let profile = Bench::new().profile("a.csv", "x,y\n1.5,nan\nnan,word\n2,NaN\n");
    let (x, y) = (column(&profile, "x"), column(&profile, "y"));
    assert_eq!((x.kind, x.count, x.missing), (ColumnType::Float, 2, 1));
    assert_eq!((y.kind, y.count, y.missing), (ColumnType::String, 2, 1));
}

#[test]
fn the_sum_of_large_integers_is_exact() {
    let profile = Bench::new().profile("a.csv", "a,b\n9007199254740993,9223372036854775807\n2,1\n");
    let sum = |name| column(&profile, name).numeric.as_ref().unwrap().sum;
    assert_eq!(sum("a"), Some(Number::Integer(9_007_199_254_740_995)));
    assert_eq!(sum("b"), Some(Number::decimal(1 << 63, 0)));
}

#[test]
fn the_missing_markers_can_be_given() {
    let read = ReadOptions {
        missing: Some(vec!["-999".into(), "?".into()]),
        ..ReadOptions::default()
    };
    let profile = Bench::new().profile_reading("a.csv", "a,b\n-999,NA\n1,?\n2,x\n", read);
    let (a, b) = (column(&profile, "a"), column(&profile, "b"));
    assert_eq!((a.kind, a.missing), (ColumnType::Integer, 1));
    assert_eq!(
        (b.missing, top(b)),
        (1, vec![("NA".into(), 1), ("x".into(), 1)])
    );
}

#[test]
fn decimal_commas_and_thousands_are_read_when_asked_for() {
    let read = ReadOptions {
        decimal: Some(','),
        thousands: Some('.'),
        ..ReadOptions::default()
    };
    let profile = Bench::new().profile_reading("a.csv", "a;b\n1.234,5;1.000\n0,5;2.000\n", read);
    assert_eq!(types(&profile), [ColumnType::Float, ColumnType::Integer]);
    assert_eq!(
        column(&profile, "a").numeric.as_ref().unwrap().sum,
        Some(Number::Float(1235.0))
    );
}

#[test]
fn options_that_make_no_sense_are_named() {
    for (read, option) in [
        (json!({"decimal": ";"}), "decimal"),
        (json!({"thousands": ".", "decimal": "."}), "thousands"),
        (json!({"delimiter": "é"}), "delimiter"),
        (json!({"comment": "\""}), "comment"),
    ] {
        let options = ProfileOptions {
            read: serde_json::from_value(read).unwrap(),
            ..ProfileOptions::default()
        };
        let error = Bench::new()
            .try_profile("a.csv", "a\n1\n", &options)
            .unwrap_err();
        assert_eq!(error.code(), "invalid_option");
        assert!(
            error.to_string().contains(&format!("`{option}`")),
            "{error}"
        );
    }
}

#[test]
fn every_alert_is_raised_at_its_threshold() {
    let mut csv = String::from("constant,missing,words,id,lopsided,skewed,zeros,twice\n");
    for row in 0..100 {
        let missing = if row < 5 { "" } else { "1.5" };
        let lopsided = if row < 90 { "no" } else { "yes" };
        let skewed = if row == 99 { 1000 } else { row % 7 };
        let zero = if row < 50 { 0 } else { row };
        csv.push_str(&format!(
            "k,{missing},w{},{row},{lopsided},{skewed},{zero},{}\n",
            row % 50,
            2 * row
        ));
    }
    let profile = Bench::new().profile("a.csv", &csv);
    let of = |name| alerts(&profile, Some(name));
    assert_eq!(of("constant"), ["constant"]);
    assert_eq!(of("missing"), ["missing", "constant"]);
    assert_eq!(of("words"), ["high_cardinality"]);
    assert_eq!(of("id"), ["unique", "key_candidate", "high_correlation"]);
    assert_eq!(of("lopsided"), ["imbalanced", "likely_boolean"]);
    assert_eq!(of("skewed"), ["skewed"]);
    assert_eq!(of("zeros"), ["zeros", "high_correlation"]);
    assert!(alerts(&profile, None).is_empty());
    let mut options = ProfileOptions::default();
    options.alerts.missing = 0.06;
    options.alerts.zeros = 0.51;
    options.alerts.skewed = 100.0;
    let relaxed = Bench::new().try_profile("a.csv", &csv, &options).unwrap();
    assert!(!alerts(&relaxed, Some("missing")).contains(&"missing"));
    assert!(!alerts(&relaxed, Some("zeros")).contains(&"zeros"));
    assert!(!alerts(&relaxed, Some("skewed")).contains(&"skewed"));
}

#[test]
fn years_of_two_digits_may_come_first_whatever_is_between_the_fields() {
    let bench = Bench::new();
    let day = |csv: &str, date_order| {
        let read = ReadOptions {
            date_order,
            ..ReadOptions::default()
        };
        let profile = bench.profile_reading("a.csv", csv, read);
        let first = column(&profile, "day").temporal.as_ref();
        let first = first.and_then(|times| times.min.clone());
        let detail = profile.read.warnings.iter();
        let mut detail = detail.filter(|warning| warning.code == "ambiguous_dates");
        (first, detail.next().map(|warning| warning.detail.clone()))
    };
    for (csv, options) in [
        ("n,day\n1,24-01-31\n2,23-12-11\n", ["dmy", "ymd"]),
        ("n,day\n1,01/02/2024\n2,03/12/2023\n", ["dmy", "mdy"]),
    ] {
        let (read, detail) = day(csv, None);
        assert_eq!(read, None, "{csv}");
        let offer = options.map(|order| format!("`date_order={order}`"));
        let offer = format!("several orders; {} reads it", offer.join(" or "));
        let detail = detail.unwrap();
        assert!(detail.ends_with(&offer), "{csv}: {detail}");
    }
    for csv in [
        "n,day\n1,24/01/05\n2,23/12/11\n",
        "n,day\n1,24.01.05\n2,23.12.11\n",
    ] {
        let (read, detail) = day(csv, Some(DateOrder::Ymd));
        assert_eq!(read.as_deref(), Some("2023-12-11"), "{csv}");
        assert_eq!(detail, None, "{csv}");
        let (read, _) = day(csv, Some(DateOrder::Dmy));
        assert_eq!(read.as_deref(), Some("2005-01-24"), "{csv}");
    }
}

#[test]
fn dates_that_need_an_order_are_read_with_it_and_offer_it_without() {
    let bench = Bench::new();
    let read = |cells: &[&str], date_order| {
        let lines: Vec<String> = cells.iter().map(|cell| format!("n,{cell}\n")).collect();
        let read = ReadOptions {
            date_order,
            ..ReadOptions::default()
        };
        let csv = format!("a,day\n{}", lines.concat());
        let profile = bench.profile_reading("a.csv", &csv, read);
        let times = column(&profile, "day").temporal.clone();
        let min = times.and_then(|times| times.min);
        let mut offers = profile.read.warnings.into_iter();
        let offer = offers.find(|warning| warning.code == "ambiguous_dates");
        (min, offer.map(|warning| warning.detail))
    };
    let (dmy, ymd) = (DateOrder::Dmy, DateOrder::Ymd);
    for (cells, order, min) in [
        (&["99/12/31", "98/01/02"][..], ymd, "1998-01-02"),
        (&["00/01/02", "00/03/04"], ymd, "2000-01-02"),
        (&["00.01.02"], ymd, "2000-01-02"),
        (&["2000/01/02", "99/12/31"], ymd, "1999-12-31"),
        (&["2024-01-05", "24-01-04"], ymd, "2024-01-04"),
        (
            &["24/01/05 10:00", "23/12/31 11:00"],
            ymd,
            "2023-12-31T11:00:00Z",
        ),
        (&["24/01/05", "23/12/31 11:00"], ymd, "2023-12-31T11:00:00Z"),
        (&["1.2.24", "31.3.24"], dmy, "2024-02-01"),
        (&["1-2-24", "3-4-24"], dmy, "2024-02-01"),
        (&["1.2.24 10:00"], dmy, "2024-02-01T10:00:00Z"),
    ] {
        assert_eq!(
            read(cells, Some(order)),
            (Some(min.into()), None),
            "{cells:?}"
        );
        let unasked = read(cells, None);
        if cells[0] == "24/01/05 10:00" || cells[0] == "24/01/05" {
            // With a slash the year comes last where nothing is given.
            assert!(unasked.0.is_some(), "{cells:?}");
            continue;
        }
        assert_eq!(unasked.0, None, "{cells:?}");
        let offer = format!("`date_order={}`", order.as_str());
        assert!(unasked.1.unwrap().contains(&offer), "{cells:?}");
    }
}

#[test]
fn amounts_in_several_units_are_text_and_an_alert_says_so() {
    let bench = Bench::new();
    for csv in [
        "n;sum\na;1.234,50 €\nb;12,00\nc;5,00 €\n",
        "n;sum\na;1.50 EUR\nb;2.25 USD\nc;3.75 EUR\n",
    ] {
        let profile = bench.profile("a.csv", csv);
        assert_eq!(column(&profile, "sum").kind, ColumnType::String, "{csv}");
        let mut found = profile.alerts.iter();
        let found = found.find(|alert| alert.code.as_str() == "likely_number");
        let detail = &found.unwrap().detail;
        assert!(detail.contains("not all in the same unit"), "{detail}");
    }
    // Codes with blanks are no numbers.
    let profile = bench.profile("a.csv", "n,code\na,123 456\nb,654 321\n");
    assert!(!alerts(&profile, Some("code")).contains(&"likely_number"));
}

#[test]
fn alerts_name_only_options_that_the_format_has() {
    let bench = Bench::new();
    let detail = |profile: &Profile, code: &str| {
        let mut found = profile.alerts.iter();
        let found = found.find(|alert| alert.code.as_str() == code);
        found.unwrap().detail.clone()
    };
    let lines = "{\"a\":\"1.234,5\"}\n{\"a\":\"2.345,5\"}\n";
    let numbers = detail(&bench.profile("a.ndjson", lines), "likely_number");
    assert!(numbers.ends_with("but are text in the file."), "{numbers}");
    let texts = StringArray::from(vec!["2024-01-05", "2024-02-06"]);
    let bytes = parquet(vec![("a", Arc::new(texts))]);
    let dates = detail(&bench.profile("a.parquet", bytes), "likely_date");
    assert!(dates.ends_with("but are text in the file."), "{dates}");
}
