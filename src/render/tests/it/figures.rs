//! Figures with the digits that they need, and what is said of them.

use calamine::Data;
use lastcall_domain::ReportFormat;
use lastcall_domain::check::CheckReport;
use lastcall_domain::profile::{Column, Histogram, Number, Profile, Quantiles};
use lastcall_render::{Origin, OriginDataset, ReportInput};
use serde_json::json;

use crate::fixture::{amount, answer, at, city, render, report, sales, text};
use crate::read;

/// A profile with only this column.
fn of(column: Column) -> Profile {
    let mut profile = sales();
    profile.columns = vec![column];
    profile.dataset.columns = 1;
    profile.alerts.clear();
    profile
}

/// Numbers that are spread evenly from `low` to `high`.
fn even(low: f64, high: f64, number: fn(f64) -> Number) -> Column {
    let mut column = amount("far");
    let at = |share: f64| low + (high - low) * share;
    if let Some(numeric) = &mut column.numeric {
        let quantile = |share: f64| Some(Number::Float(at(share)));
        numeric.min = Some(number(low));
        numeric.max = Some(number(high));
        numeric.mean = Some(at(0.5));
        numeric.std = Some((high - low) / 3.0);
        numeric.quantiles = Quantiles {
            p01: quantile(0.01),
            p05: quantile(0.05),
            p25: quantile(0.25),
            p50: quantile(0.5),
            p75: quantile(0.75),
            p95: quantile(0.95),
            p99: quantile(0.99),
            ..Quantiles::default()
        };
        numeric.histogram = Histogram {
            edges: [0.0, 0.5, 1.0].map(|share| Number::Float(at(share))).into(),
            counts: vec![3, 1],
            estimated: false,
        };
    }
    column
}

#[test]
fn figures_of_values_far_from_zero_can_be_told_apart() {
    let column = even(10_000_000.2, 10_000_000.3, Number::Float);
    let html = text(&of(column), ReportFormat::Html);
    for figure in [
        "10,000,000.205",
        "10,000,000.225",
        "10,000,000.25",
        "10,000,000.275",
    ] {
        assert!(html.contains(figure), "{figure}");
    }
    // The first and another tick of the axis.
    assert!(html.contains(">10,000,000.2</text>") && html.contains(">10,000,000.25</text>"));
}

#[test]
fn large_integers_keep_their_digits_and_their_deviation() {
    let column = even(1.7e15, 1.7e15 + 499.0, |x| Number::Integer(x as i64));
    let md = text(&of(column), ReportFormat::Md);
    for line in [
        "| Mean | 1,700,000,000,000,249.5 |",
        "| Std. deviation | 166.333 |",
        "| Median | 1,700,000,000,000,249.5 |",
        "Distribution: 1,700,000,000,000,000 to 1,700,000,000,000,499: █▃",
    ] {
        assert!(md.contains(line), "{line}: {md}");
    }
}

#[test]
fn a_column_has_the_most_missing_cells_only_if_no_other_has_as_many() {
    let said = |missing: [u64; 3]| {
        let mut profile = of(city("0"));
        profile.columns = ["a", "b", "c"].map(city).into();
        for (column, missing) in profile.columns.iter_mut().zip(missing) {
            column.missing = missing;
        }
        text(&profile, ReportFormat::Md)
    };
    for (missing, words) in [
        ([9, 600, 50], "have missing cells, b the most (4.9%)."),
        (
            [9, 600, 600],
            "have missing cells, 2 of them the most (4.9% each).",
        ),
        ([0, 600, 600], "have missing cells, 4.9% each."),
        ([0, 0, 600], "has missing cells, c the most (4.9%)."),
    ] {
        let md = said(missing);
        assert!(md.contains(words), "{words}: {md}");
    }
}

#[test]
fn a_constant_date_has_no_histogram() {
    let mut profile = sales();
    let drawn =
        |profile: &Profile| text(profile, ReportFormat::Html).contains("Histogram of sold_on");
    assert!(drawn(&profile));
    profile.columns[3].distinct = 1;
    assert!(!drawn(&profile));
}

#[test]
fn the_counts_of_a_histogram_have_whole_ticks() {
    let mut column = even(0.0, 1.0, Number::Float);
    if let Some(numeric) = &mut column.numeric {
        numeric.histogram.counts = vec![1, 1];
    }
    let html = text(&of(column), ReportFormat::Html);
    let drawing = html.split("Histogram of far").nth(1).unwrap();
    assert!(
        !drawing
            .split("class=\"bar\"")
            .next()
            .unwrap()
            .contains(">0.5<")
    );
}

#[test]
fn a_table_of_bars_names_its_columns_in_markdown() {
    let md = text(&sales(), ReportFormat::Md);
    assert!(
        md.contains("| Column | Missing cells |\n| --- | ---: |\n| amount |"),
        "{md}"
    );
    assert!(
        md.contains("| Value | Frequency |\n| --- | ---: |\n| Paris |"),
        "{md}"
    );
}

#[test]
fn dates_and_numbers_of_an_answer_do_not_wrap() {
    let mut result = answer(
        &["at", "n"],
        vec![vec![json!("2026-01-31T12:00:00"), json!(u64::MAX)]],
    );
    result.columns[0].kind = "TIMESTAMP".to_owned();
    let input = ReportInput::table(&result, None, at());
    let html = String::from_utf8(render(&input, ReportFormat::Html)).unwrap();
    assert!(
        html.contains(r#"<td class="time"><bdi>2026-01-31T12:00:00</bdi>"#),
        "{html}"
    );
    assert!(html.contains(r#"<td class="n"><bdi>18,446,744,073,709,551,615</bdi>"#));
    let pdf = read::pdf(render(&input, ReportFormat::Pdf)).concat();
    assert!(pdf.contains("18,446,744,073,709,551,615"), "{pdf}");
}

#[test]
fn the_overview_of_a_workbook_has_numbers_and_times() {
    let check: CheckReport = serde_json::from_value(json!({
        "dataset": "birds", "contract": "table_schema", "rows": 1_234, "passed": true,
        "totals": {"checks": 7, "passed": 7, "failed": 0, "errors": 0},
        "checks": [], "warnings": [],
        "read": {"encoding": "utf-8", "delimiter": ";", "quote": "\"", "header": true,
                 "skipped_lines": 2, "decimal": null, "date_order": null, "warnings": []},
    }))
    .unwrap();
    let datasets = [OriginDataset {
        name: "birds".to_owned(),
        sha256: "ab12".to_owned(),
        read: Some("header=true".to_owned()),
    }];
    let origin = Origin {
        datasets: &datasets,
        ..Origin::default()
    };
    let input = ReportInput::check(&check, at()).from_origin(origin);
    let book = read::xlsx(render(&input, ReportFormat::Xlsx));
    let cell = |label: &str| {
        let mut rows = book["Overview"].iter();
        let row = rows.find(|row| row[0] == Data::String(label.to_owned()));
        row.unwrap_or_else(|| panic!("{label}: {book:?}"))[1].clone()
    };
    assert_eq!(cell("Rows"), Data::Float(1_234.0));
    assert_eq!(cell("Checks"), Data::Float(7.0));
    assert_eq!(cell("Skipped lines"), Data::Float(2.0));
    assert!(
        matches!(cell("Created"), Data::DateTime(_)),
        "{:?}",
        cell("Created")
    );
    for (label, value) in [
        ("Dataset", "birds"),
        ("Delimiter", ";"),
        ("SHA-256", "ab12"),
        ("Read options", "header=true"),
    ] {
        assert_eq!(cell(label), Data::String(value.to_owned()), "{label}");
    }
    let book = read::xlsx(report(&sales(), ReportFormat::Xlsx));
    let created = book["Overview"]
        .iter()
        .find(|row| row[0] == Data::String("Created".to_owned()));
    assert!(matches!(created.unwrap()[1], Data::DateTime(_)));
}
