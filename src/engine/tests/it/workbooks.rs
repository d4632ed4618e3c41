//! Realistic workbooks.

use std::io::{Cursor, Read, Write};

use lastcall_domain::profile::ColumnType;
use lastcall_domain::{ProfileOptions, ReadOptions};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use crate::open_document::{number_cell, ods, row, text_cell};
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
fn a_workbook_with_a_password_is_reported_as_such() {
    let workbook = include_bytes!("fixtures/password.xlsx");
    let refused = Bench::new().failure("a.xlsx", workbook);
    assert!(refused.starts_with("unsupported_data"), "{refused}");
    assert!(refused.contains("password"), "{refused}");
}

#[test]
fn what_only_has_the_name_of_a_workbook_is_named() {
    let bench = Bench::new();
    for (bytes, what) in [
        (
            &b"<html><body><table><tr><td>1</td></tr></table>"[..],
            "an HTML page,",
        ),
        (
            b"\xef\xbb\xbf\r\n<TABLE><tr><td>1</td></tr></TABLE>",
            "an HTML page or",
        ),
        (b"a\tb\r\n1\t2\r\n", "text,"),
        (b"\xff\xfea\0\t\0b\0\n\0", "text,"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "a PDF document,"),
    ] {
        for name in ["a.xls", "a.xlsx", "a.ods"] {
            let refused = bench.failure(name, bytes);
            assert!(refused.starts_with("unsupported_data"), "{refused}");
            assert!(refused.contains(&format!("it is {what}")), "{refused}");
        }
    }
    let feather = bench.failure("a.feather", b"FEA1\0\0\0\0");
    assert!(feather.contains("Feather of version 1"), "{feather}");
    // Open documents are read under any name.
    let sheet = format!(
        "<table:table table:name=\"a\">{}</table:table>",
        row(&[text_cell("a")])
    );
    assert_eq!(bench.profile("a.xlsx", ods(&sheet)).columns[0].name, "a");
}

/// A workbook of sheets, each with its name, its state and its rows.
fn xlsx(sheets: &[(&str, &str, &str)]) -> Vec<u8> {
    const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";
    let relations =
        |inner: &str| format!("<Relationships xmlns=\"{PACKAGE}\">{inner}</Relationships>");
    let relation = |id: usize, kind: &str, target: &str| {
        format!("<Relationship Id=\"rId{id}\" Type=\"{OFFICE}/{kind}\" Target=\"{target}\"/>")
    };
    let (mut listed, mut related) = (String::new(), String::new());
    let mut parts = Vec::new();
    for (id, (name, state, rows)) in (1..).zip(sheets) {
        listed += &format!(
            "<sheet name=\"{name}\" sheetId=\"{id}\" state=\"{state}\" r:id=\"rId{id}\"/>"
        );
        related += &relation(id, "worksheet", &format!("worksheets/sheet{id}.xml"));
        let sheet =
            format!("<worksheet xmlns=\"{MAIN}\"><sheetData>{rows}</sheetData></worksheet>");
        parts.push((format!("xl/worksheets/sheet{id}.xml"), sheet));
    }
    let workbook = format!(
        "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{OFFICE}\"><sheets>{listed}</sheets></workbook>"
    );
    let root = relation(1, "officeDocument", "xl/workbook.xml");
    parts.push(("_rels/.rels".into(), relations(&root)));
    parts.push(("xl/workbook.xml".into(), workbook));
    parts.push(("xl/_rels/workbook.xml.rels".into(), relations(&related)));
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in parts {
        writer
            .start_file(name, SimpleFileOptions::default())
            .unwrap();
        writer.write_all(text.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A column of a sheet: its name, and numbers below.
fn numbers_of(name: &str, numbers: &[&str]) -> String {
    let header =
        format!("<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>{name}</t></is></c></row>");
    let rows = (2..).zip(numbers);
    let rows = rows.map(|(at, cell)| format!("<row r=\"{at}\"><c r=\"A{at}\">{cell}</c></row>"));
    header + &rows.collect::<String>()
}

#[test]
fn the_sheet_that_is_read_is_named_and_so_are_others_with_cells() {
    let one = |name: &str| numbers_of(name, &["<v>1</v>"]);
    let (a, b, c) = (one("a"), one("b"), one("c"));
    let book = xlsx(&[
        ("Lists", "hidden", &a),
        ("Empty", "visible", ""),
        ("Data", "visible", &b),
        ("More", "visible", &c),
    ]);
    let bench = Bench::new();
    let profile = bench.profile("a.xlsx", &book);
    assert_eq!(profile.columns[0].name, "b");
    assert_eq!(profile.read.sheet.as_deref(), Some("Data"));
    let others = warning(&profile, "other_sheets");
    assert_eq!(others.count, 2);
    assert!(
        others.detail.contains("`More`, `Lists`"),
        "{}",
        others.detail
    );
    assert!(others.detail.contains("`sheet`"), "{}", others.detail);
    let options = ProfileOptions {
        read: ReadOptions {
            sheet: Some("Lists".into()),
            ..ReadOptions::default()
        },
        ..ProfileOptions::default()
    };
    let profile = bench.try_profile("a.xlsx", &book, &options).unwrap();
    assert_eq!(profile.read.sheet.as_deref(), Some("Lists"));
    assert!(profile.warnings.is_empty(), "{:?}", profile.warnings);
    let table = format!(
        "<table:table table:name=\"T\">{}</table:table>",
        row(&[text_cell("a")])
    );
    let profile = bench.profile("a.ods", ods(&table));
    assert_eq!(profile.read.sheet.as_deref(), Some("T"));
}

#[test]
fn formulas_whose_values_are_not_in_the_file_are_counted() {
    let rows = numbers_of(
        "a",
        &[
            "<v>1</v>",
            "<f>A2+1</f><v></v>",
            "<f>A3+1</f>",
            "<f>1</f><v>1</v>",
        ],
    );
    let bench = Bench::new();
    let profile = bench.profile("a.xlsx", xlsx(&[("S", "visible", &rows)]));
    assert_eq!(profile.columns[0].count, 2);
    assert_eq!(warning(&profile, "formulas_without_values").count, 2);
    let formula = "<table:table-cell table:formula=\"of:=[.A1]\"/>".to_owned();
    let table = format!(
        "<table:table table:name=\"T\">{}{}</table:table>",
        row(&[text_cell("a"), text_cell("b")]),
        row(&[number_cell("1"), formula])
    );
    let profile = bench.profile("a.ods", ods(&table));
    assert_eq!(warning(&profile, "formulas_without_values").count, 1);
}

#[test]
fn a_part_that_begins_where_no_file_can_reach_is_the_fault_of_its_workbook() {
    let ods = include_bytes!("fixtures/impossible-offset.ods").as_slice();
    let xlsx = include_bytes!("fixtures/impossible-offset.xlsx").as_slice();
    for (name, workbook) in [("a.ods", ods), ("a.xlsx", xlsx)] {
        let refused = Bench::new().failure(name, workbook);
        assert!(refused.starts_with("malformed_data"), "{refused}");
    }
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
fn a_sheet_without_cells_is_passed_over_unless_it_is_asked_for() {
    let workbook = include_bytes!("fixtures/empty-sheet-first.xlsx");
    let bench = Bench::new();
    let profile = bench.profile("a.xlsx", workbook);
    assert_eq!(profile.columns[0].name, "shown");
    assert_eq!(profile.dataset.rows, 1);
    let options = ProfileOptions {
        read: ReadOptions {
            sheet: Some("E".into()),
            ..ReadOptions::default()
        },
        ..ProfileOptions::default()
    };
    let profile = bench.try_profile("a.xlsx", workbook, &options).unwrap();
    assert!(profile.columns.is_empty());
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

/// A sheet of texts and numbers, without the cells that are empty.
fn sheet_of(rows: &[&[&str]]) -> String {
    let mut sheet = String::from(
        "<worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>",
    );
    for (number, cells) in (1..).zip(rows) {
        sheet += &format!("<row r=\"{number}\">");
        for (letter, cell) in ('A'..).zip(cells.iter()) {
            let place = format!("{letter}{number}");
            sheet += &match cell.parse::<f64>() {
                _ if cell.is_empty() => String::new(),
                Ok(_) => format!("<c r=\"{place}\"><v>{cell}</v></c>"),
                Err(_) => format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{cell}</t></is></c>"),
            };
        }
        sheet += "</row>";
    }
    sheet + "</sheetData></worksheet>"
}

#[test]
fn titles_above_a_table_are_no_header() {
    let rows: [&[&str]; 5] = [
        &["Sales 2024"],
        &[],
        &["region", "sales"],
        &["North", "10"],
        &["South", "20"],
    ];
    let xlsx = with(ERRORS_ONLY, "xl/worksheets/sheet1.xml", |_| sheet_of(&rows));
    let of = |cells: &[&str]| {
        let cells = cells.iter().map(|cell| match cell.parse::<f64>() {
            Ok(_) => number_cell(cell),
            Err(_) => text_cell(cell),
        });
        row(&cells.collect::<Vec<_>>())
    };
    let table: String = rows.iter().map(|cells| of(cells)).collect();
    let ods = ods(&format!(
        "<table:table table:name=\"a\">{table}</table:table>"
    ));
    let bench = Bench::new();
    for (name, workbook) in [("a.xlsx", xlsx), ("a.ods", ods)] {
        let read = |skip_rows| {
            let options = ProfileOptions {
                read: ReadOptions {
                    skip_rows,
                    ..ReadOptions::default()
                },
                ..ProfileOptions::default()
            };
            let profile = bench.try_profile(name, &workbook, &options).unwrap();
            let names: Vec<String> = profile.columns.iter().map(|c| c.name.clone()).collect();
            (names.join(", "), profile)
        };
        let (names, profile) = read(None);
        assert_eq!(names, "region, sales", "{name}");
        assert_eq!(types(&profile)[1], ColumnType::Integer);
        assert_eq!((profile.dataset.rows, profile.read.skipped_lines), (2, 2));
        let told = warning(&profile, "skipped_lines");
        assert_eq!(told.count, 2);
        assert!(told.detail.contains("`skip_rows=0`"), "{}", told.detail);
        let (names, profile) = read(Some(0));
        assert_eq!(names, "Sales 2024, Unnamed: 1", "{name}");
        assert_eq!((profile.dataset.rows, profile.read.skipped_lines), (3, 0));
        let (names, profile) = read(Some(3));
        assert_eq!(names, "North, 10", "{name}");
        assert_eq!((profile.dataset.rows, profile.read.skipped_lines), (1, 3));
        assert!(profile.warnings.is_empty(), "{:?}", profile.warnings);
    }
}
