//! Reports of correlations and comparisons.

use lastcall_domain::ReportFormat;
use lastcall_domain::compare::Comparison;
use lastcall_domain::correlation::CorrelationReport;
use lastcall_render::ReportInput;
use serde_json::{Value, json};

use crate::fixture::{FORMATS, at, render};
use crate::read;

fn correlation() -> Value {
    json!({
        "dataset": "people", "rows": 5_000, "sample": 1_000,
        "columns": [
            {"name": "height", "type": "float"}, {"name": "weight", "type": "float"},
            {"name": "<city>", "type": "string"},
        ],
        "pairs": [
            {"x": "height", "y": "weight", "n": 990,
             "pearson": {"value": 0.873_6, "p_value": 0.0},
             "spearman": {"value": -0.25, "p_value": 2.5e-9},
             "mutual_information": {"value": 0.413, "p_value": null}},
            {"x": "height", "y": "<city>", "n": 1_000, "cramers_v": {"value": 0.125, "p_value": 0.04}},
        ],
        "left_out": [{"column": "id", "reason": "all values are different"}],
    })
}

fn comparison() -> Value {
    let side = |kind: &str, count: u64, missing: u64| {
        json!({"type": kind, "count": count, "missing": missing,
               "missing_share": missing as f64 / (count + missing).max(1) as f64})
    };
    let change = |name: &str, status: &str, before: Value, after: Value| {
        json!({"name": name, "status": status, "baseline": before, "candidate": after,
               "psi": null, "drift": null, "jensen_shannon": null, "kolmogorov_smirnov": null})
    };
    let mut drifted = change(
        "amount",
        "kept",
        side("float", 900, 100),
        side("float", 1_200, 0),
    );
    drifted["psi"] = json!(0.4321);
    drifted["drift"] = json!("major");
    drifted["jensen_shannon"] = json!(0.21);
    drifted["kolmogorov_smirnov"] = json!({"statistic": 0.33, "p_value": 1e-12});
    drifted["estimated"] = json!(true);
    drifted["error"] = json!(0.004);
    let figure = |before: f64, after: f64| json!({"baseline": before, "candidate": after, "change": after - before});
    drifted["numbers"] = json!({"mean": figure(4.5, 5.25), "median": figure(4.0, 5.0),
                                "min": figure(0.0, 1.0), "max": figure(9.0, 9.75)});
    let mut code = change(
        "code",
        "retyped",
        side("integer", 1_000, 0),
        side("string", 1_200, 0),
    );
    let alone = |value: &str, before: u64, after: u64| json!({"value": value, "baseline": before, "candidate": after});
    code["categories"] = json!({"values": [], "other_baseline": 0, "other_candidate": 0,
                                "new": [alone("=cmd", 0, 7)], "vanished": [alone("12", 5, 0)],
                                "new_count": 3, "vanished_count": null});
    json!({
        "baseline": {"name": "january", "rows": 1_000, "columns": 3, "missing_cells": 100},
        "candidate": {"name": "february", "rows": 1_200, "columns": 3, "missing_cells": 0},
        "columns": [
            drifted,
            code,
            change("gone", "removed", side("date", 1_000, 0), Value::Null),
            change("new", "added", Value::Null, side("boolean", 1_200, 0)),
        ],
    })
}

#[test]
fn a_correlation_has_maps_pairs_and_the_columns_left_out() {
    let report: CorrelationReport = serde_json::from_value(correlation()).unwrap();
    let input = ReportInput::correlation(&report, at());
    let html = String::from_utf8(render(&input, ReportFormat::Html)).unwrap();
    read::harmless(&html);
    assert_eq!(html.matches("<svg ").count(), 3);
    for part in [
        "0.874",
        "-0.250",
        "2.5e-9",
        "&lt; 1e-300",
        "0.125",
        "all values are different",
        "sample of 1,000 rows",
    ] {
        assert!(
            html.contains(part) || html.contains(&part.replace("&lt;", "&#60;")),
            "{part}"
        );
    }
    let pdf = read::pdf(render(&input, ReportFormat::Pdf)).concat();
    assert!(pdf.contains("<city>") && pdf.contains("0.874"), "{pdf}");
    let md = String::from_utf8(render(&input, ReportFormat::Md)).unwrap();
    assert!(md.contains("| height | weight | 990 | 0.874 |"), "{md}");
    let book = read::xlsx(render(&input, ReportFormat::Xlsx));
    assert_eq!(
        book["Overview"][1][0],
        calamine::Data::String("Correlations".into())
    );
    assert_eq!(book["Pairs"][1][3], calamine::Data::Float(0.873_6));
    assert_eq!(book["Excluded"].len(), 2);
}

#[test]
fn a_comparison_says_what_changed_and_what_drifted() {
    let report: Comparison = serde_json::from_value(comparison()).unwrap();
    let input = ReportInput::compare(&report, at());
    let html = String::from_utf8(render(&input, ReportFormat::Html)).unwrap();
    read::harmless(&html);
    for part in [
        "february compared with january",
        "before: 1,000",
        "integer became string.",
        "Major drift",
        "0.432",
        "≈ 0.330",
        "1e-12",
        "0% of the cells are missing, before 10.0%.",
    ] {
        assert!(html.contains(part), "{part}");
    }
    let pdf = read::pdf(render(&input, ReportFormat::Pdf)).concat();
    assert!(pdf.contains("retyped") && pdf.contains("0.432"), "{pdf}");
    let book = read::xlsx(render(&input, ReportFormat::Xlsx));
    assert_eq!(book["Columns"][1][8], calamine::Data::Float(0.4321));
    assert_eq!(book["Columns"].len(), 5);
    use calamine::Data::{Float, String as Text};
    let text = |text: &str| Text(text.to_owned());
    let figures = [4.5, 5.25, 4.0, 5.0, 0.0, 1.0, 9.0, 9.75].map(Float);
    assert_eq!(book["Figures"][1][0], text("amount"));
    assert_eq!(book["Figures"][1][1..], figures);
    let values = &book["New and vanished values"];
    let row = |change: &str, value: &str| [text("code"), text(change), text(value)];
    assert_eq!(values[1][..3], row("new", "=cmd"));
    assert_eq!(values[1][3], Float(7.0));
    assert_eq!(values[2][..3], row("new", "and 2 more"));
    assert_eq!(values[3][..3], row("vanished", "12"));
    assert_eq!(values[3][3], Float(5.0));
    assert_eq!(values.len(), 4);
}

#[test]
fn an_analysis_that_comes_as_json_is_shown_as_what_it_is() {
    let (correlation, comparison) = (correlation(), comparison());
    for (kind, value, heading) in [
        ("correlation", &correlation, "At a glance"),
        ("compare", &comparison, "What changed"),
    ] {
        let html = render(&ReportInput::other(kind, value, at()), ReportFormat::Html);
        assert!(String::from_utf8(html).unwrap().contains(heading), "{kind}");
        let odd = json!({"rows": 1});
        assert!(!render(&ReportInput::other(kind, &odd, at()), ReportFormat::Pdf).is_empty());
    }
}

#[test]
fn analyses_of_nothing_have_a_report_in_every_format() {
    let correlation: CorrelationReport = serde_json::from_value(
        json!({"dataset": "", "rows": 0, "columns": [], "pairs": [], "left_out": []}),
    )
    .unwrap();
    let side = json!({"name": "", "rows": 0, "columns": 0, "missing_cells": 0});
    let comparison: Comparison =
        serde_json::from_value(json!({"baseline": side, "candidate": side, "columns": []}))
            .unwrap();
    for format in FORMATS {
        assert!(
            !render(&ReportInput::correlation(&correlation, at()), format).is_empty(),
            "{format}"
        );
        assert!(
            !render(&ReportInput::compare(&comparison, at()), format).is_empty(),
            "{format}"
        );
    }
}
