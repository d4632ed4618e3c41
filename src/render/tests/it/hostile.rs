//! Malicious and unusual input.

use lastcall_domain::ReportFormat;
use lastcall_domain::profile::{
    AlertCode, ColumnType, Histogram, Number, Profile, Temporal, Text, TopValue,
};
use serde_json::Value;

use crate::fixture::{FORMATS, alert, amount, bare_column, city, report, sales, text};
use crate::read;

const NASTY: [&str; 18] = [
    "</script><script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "<svg onload=alert(1)>",
    "&lt;b&gt; &#0; &amp",
    "#panic() #{1/0} #eval(\"1\") $x^2$ @ref <label> *bold* _under_ `raw` = Heading",
    "\\u{1F600} #sym.arrow // comment /* open",
    "=CMD(\"/C calc\")!A1",
    "+1+2",
    "@SUM(1)",
    "a\0b\u{1}c\u{1b}[31m\u{7f}\u{85}",
    "\u{202e}gnp.exe\u{2066}x",
    "line one\nline two\r\nline three\tend",
    "| a | b |\n|---|---|",
    "שלום עולם مرحبا بالعالم",
    "👨‍👩‍👧 e\u{301}\u{302}\u{303} \u{fffe}\u{feff}",
    "",
    " ",
];

fn hostile() -> Profile {
    let mut profile = sales();
    profile.columns.clear();
    for (i, name) in NASTY.iter().enumerate() {
        let mut column = if i % 2 == 0 { city(name) } else { amount(name) };
        column.top = NASTY
            .iter()
            .map(|value| TopValue::new(Value::from(*value), 700))
            .collect();
        profile.columns.push(column);
        profile
            .alerts
            .push(alert(Some(name), AlertCode::MixedTypes, name));
    }
    profile.correlations.columns = vec![NASTY[0].to_owned(), NASTY[5].to_owned()];
    profile.dataset.name = NASTY.join(" ");
    profile.warnings[0].detail = NASTY.join(" ");
    profile
}

#[test]
fn text_of_the_data_never_becomes_part_of_the_page() {
    let html = text(&hostile(), ReportFormat::Html);
    read::harmless(&html);
    assert!(!html.contains(['\0', '\u{1b}', '\u{202e}', '\u{2066}']));
}

#[test]
fn typst_markup_in_the_data_is_text_in_the_pdf() {
    let all = read::pdf(report(&hostile(), ReportFormat::Pdf)).concat();
    assert!(all.contains("#panic()"), "{all}");
    assert!(all.contains("*bold*"));
}

#[test]
fn the_workbook_keeps_formulas_as_text() {
    use calamine::Data::String;
    let book = read::xlsx(report(&hostile(), ReportFormat::Xlsx));
    let names: Vec<_> = book["Columns"].iter().map(|row| row[0].clone()).collect();
    assert!(names.contains(&String("=CMD(\"/C calc\")!A1".to_owned())));
    assert!(names.contains(&String("+1+2".to_owned())));
}

#[test]
fn markdown_shows_no_html_of_the_data_and_no_broken_tables() {
    let page = text(&hostile(), ReportFormat::Md);
    assert!(!page.contains('<'));
    assert!(!page.contains(['\0', '\r']));
    for line in page.lines().filter(|line| line.starts_with('|')) {
        assert!(line.ends_with('|'), "{line}");
    }
}

#[test]
fn very_long_text_is_cut_in_every_format() {
    let mut profile = sales();
    let long = "long ".repeat(200_000) + &"x".repeat(1_000_000);
    profile.dataset.name = long.clone();
    let mut column = city(&long);
    column.top[0].value = Value::from(long.as_str());
    profile.columns.push(column);
    profile
        .alerts
        .push(alert(Some(&long), AlertCode::Unique, &long));
    profile.warnings[0].detail = long;
    for format in FORMATS {
        let size = report(&profile, format).len();
        assert!(size < 400_000, "{format}: {size} bytes");
    }
}

#[test]
fn figures_that_are_not_defined_or_not_finite_have_a_report() {
    let mut profile = sales();
    let mut column = amount("all undefined");
    if let Some(numeric) = &mut column.numeric {
        (numeric.min, numeric.max, numeric.sum) = (None, None, None);
        (numeric.mean, numeric.std, numeric.variance) = (None, None, None);
        (numeric.skewness, numeric.kurtosis) = (None, None);
        numeric.quantiles = lastcall_domain::profile::Quantiles::default();
        numeric.histogram = Histogram::default();
    }
    profile.columns.push(column);
    let mut column = amount("not finite");
    if let Some(numeric) = &mut column.numeric {
        numeric.min = Some(Number::Float(f64::NEG_INFINITY));
        numeric.max = Some(Number::Float(f64::INFINITY));
        numeric.mean = Some(f64::NAN);
        numeric.sum = Some(Number::Integer(i64::MIN));
        numeric.infinities = u64::MAX;
        numeric.histogram.edges = [f64::MIN, -1.0, 0.0, f64::NAN, f64::MAX]
            .map(Number::Float)
            .into();
    }
    profile.columns.push(column);
    let mut column = amount("edges that do not fit the counts");
    if let Some(numeric) = &mut column.numeric {
        numeric.histogram.edges = vec![Number::Float(1.0), Number::Float(1.0)];
        numeric.histogram.counts = vec![u64::MAX, 0, 1];
    }
    profile.columns.push(column);
    let mut column = bare_column("times", ColumnType::Timestamp);
    column.temporal = Some(Temporal::default());
    profile.columns.push(column);
    let mut column = bare_column("texts", ColumnType::String);
    column.missing = u64::MAX / 2;
    column.text = Some(Text::default());
    profile.columns.push(column);
    profile.correlations.pearson = vec![vec![Some(f64::NAN)], vec![]];
    profile.dataset.rows = u64::MAX;
    for format in FORMATS {
        assert!(!report(&profile, format).is_empty(), "{format}");
    }
    let html = text(&profile, ReportFormat::Html);
    read::harmless(&html);
    assert!(!html.contains("NaN") && !html.contains("inf\""));
}
