//! Reports of large inputs stay of a bounded size.

use lastcall_domain::ReportFormat;
use lastcall_domain::profile::{AlertCode, Profile};

use crate::fixture::{FORMATS, alert, amount, report, sales, text};
use crate::read;

fn wide(columns: usize) -> Profile {
    let mut profile = sales();
    profile.columns = (0..columns)
        .map(|i| amount(&format!("column_{i}")))
        .collect();
    profile.dataset.columns = columns as u64;
    profile.alerts = (0..columns)
        .map(|i| {
            alert(
                Some(&format!("column_{i}")),
                AlertCode::Zeros,
                "Nothing but zeros.",
            )
        })
        .collect();
    let numeric = columns.min(100);
    profile.correlations.columns = profile.columns[..numeric]
        .iter()
        .map(|c| c.name.clone())
        .collect();
    profile.correlations.pearson = vec![vec![Some(0.5); numeric]; numeric];
    profile.correlations.spearman = vec![vec![Some(-0.5); numeric]; numeric];
    profile
}

#[test]
fn two_thousand_columns_have_a_bounded_report_in_every_format() {
    let profile = wide(2_000);
    for format in FORMATS {
        let bytes = report(&profile, format);
        assert!(bytes.len() < 4_000_000, "{format}: {} bytes", bytes.len());
        if format == ReportFormat::Pdf {
            let pages = read::pdf(bytes);
            assert!(pages.len() < 60, "{} pages", pages.len());
            assert!(pages.concat().contains("column_299"));
        }
    }
}

#[test]
fn columns_beyond_the_limit_are_in_the_summary_and_the_page_says_so() {
    let html = text(&wide(550), ReportFormat::Html);
    read::harmless(&html);
    assert_eq!(html.matches("<details class=\"card\"").count(), 500);
    assert!(html.contains("column_549"));
    assert!(html.contains(
        "The dataset has 550 columns; the first 500 have a section of their own and the \
         first 550 a row in the summary."
    ));
    assert!(html.contains("The heat maps show the first 30 of 100 numeric columns."));
}

#[test]
fn a_page_of_a_hundred_columns_has_at_most_two_megabytes() {
    let bytes = report(&wide(100), ReportFormat::Html);
    assert!(bytes.len() < 2_000_000, "{} bytes", bytes.len());
}

#[test]
fn alerts_of_one_kind_are_grouped() {
    let html = text(&wide(500), ReportFormat::Html);
    assert_eq!(html.matches("<details class=\"alert-group").count(), 1);
    assert!(html.contains("500 columns"), "how many there are");
    assert!(html.contains("and 450 more"));
}

#[test]
fn the_workbook_has_every_column() {
    let book = read::xlsx(report(&wide(2_000), ReportFormat::Xlsx));
    assert_eq!(book["Columns"].len(), 2_001);
}
