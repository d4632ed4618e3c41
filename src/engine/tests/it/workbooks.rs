//! Workbooks as people and programs write them.

use std::io::{Cursor, Read, Write};

use lastcall_domain::ReadOptions;
use lastcall_domain::profile::ColumnType;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use crate::support::{Bench, column, top, types, warning};

const CHARTSHEET_FIRST: &[u8] = include_bytes!("fixtures/chartsheet-first.xlsx");
const ERRORS_ONLY: &[u8] = include_bytes!("fixtures/errors-only.xlsx");

/// The workbook with a part of it made anew.
fn with(workbook: &[u8], part: &str, change: impl Fn(String) -> String) -> Vec<u8> {
    let mut archive = ZipArchive::new(Cursor::new(workbook)).unwrap();
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at).unwrap();
        let name = entry.name().unwrap().into_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        if name == part {
            bytes = change(String::from_utf8(bytes).unwrap()).into_bytes();
        }
        writer
            .start_file(name, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(&bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn every_column_below_a_merged_header_has_a_name_and_its_values() {
    let workbook = include_bytes!("fixtures/merged-header.xlsx");
    let profile = Bench::new().profile("a.xlsx", workbook);
    let names: Vec<_> = profile.columns.iter().map(|column| &column.name).collect();
    assert_eq!(
        names,
        [
            "Unnamed: 0",
            "Unnamed: 1",
            "Unnamed: 2",
            "2023",
            "Unnamed: 4",
            "2024",
            "Unnamed: 6"
        ]
    );
    assert_eq!(profile.dataset.missing_cells, 0);
    assert_eq!(column(&profile, "Unnamed: 1").distinct, 3);
    assert_eq!(column(&profile, "Unnamed: 4").distinct, 3);
}

#[test]
fn a_row_of_nothing_but_an_error_is_a_row() {
    let profile = Bench::new().profile("a.xlsx", ERRORS_ONLY);
    assert_eq!(profile.dataset.rows, 5);
    assert_eq!(column(&profile, "v").missing, 2);
}

#[test]
fn a_number_that_is_no_date_is_missing_with_a_warning() {
    let workbook = include_bytes!("fixtures/impossible-date.xlsx");
    let profile = Bench::new().profile("a.xlsx", workbook);
    assert_eq!(types(&profile)[1], ColumnType::Date);
    assert_eq!(profile.columns[1].missing, 1);
    let told = warning(&profile, "out_of_range");
    assert_eq!(told.count, 1);
    let name = &profile.columns[1].name;
    assert!(
        told.detail.contains(&format!("{name} (1)")),
        "{}",
        told.detail
    );
}

#[test]
fn a_workbook_with_a_password_is_told_as_such() {
    let workbook = include_bytes!("fixtures/password.xlsx");
    let refused = Bench::new().failure("a.xlsx", workbook);
    assert!(refused.starts_with("unsupported_data"), "{refused}");
    assert!(refused.contains("password"), "{refused}");
}

#[test]
fn charts_and_macros_beside_a_sheet_are_passed_over() {
    let bench = Bench::new();
    let rows = |workbook: &[u8]| {
        let profile = bench.profile("a.xlsx", workbook);
        (profile.dataset.rows, top(column(&profile, "b")))
    };
    assert_eq!(rows(CHARTSHEET_FIRST), (1, vec![("2".into(), 1)]));
    let macros = with(
        CHARTSHEET_FIRST,
        "xl/_rels/workbook.xml.rels",
        |relations| {
            relations.replace(
                "http://schemas.openxmlformats.org/officeDocument/2006/relationships/chartsheet\"",
                "http://schemas.microsoft.com/office/2006/relationships/xlMacrosheet\"",
            )
        },
    );
    assert_eq!(rows(&macros), (1, vec![("2".into(), 1)]));
    let chart = ReadOptions {
        sheet: Some("Chart".into()),
        ..ReadOptions::default()
    };
    let source = bench.source("b.xlsx", CHARTSHEET_FIRST);
    let refused = bench
        .engine
        .schema(source, &chart, &lastcall_domain::Cancel::new());
    assert_eq!(refused.unwrap_err().code(), "invalid_option");
}

#[test]
fn a_dimension_is_not_needed() {
    let workbook = include_bytes!("fixtures/dimension-of-rows.xlsx");
    let profile = Bench::new().profile("a.xlsx", workbook);
    assert_eq!((profile.dataset.rows, profile.dataset.columns), (3, 2));
}

#[test]
fn a_cell_that_swells_is_refused_before_it_does() {
    let bench = Bench::with(1, 32 << 20);
    let long = with(ERRORS_ONLY, "xl/worksheets/sheet1.xml", |sheet| {
        let text = "x".repeat(4 << 20);
        sheet.replace(
            "<c r=\"A2\"><v>1</v></c>",
            &format!("<c r=\"A2\" t=\"inlineStr\"><is><t>{text}</t></is></c>"),
        )
    });
    let refused = bench.failure("a.xlsx", &long);
    assert!(refused.starts_with("record_too_large"), "{refused}");
}
