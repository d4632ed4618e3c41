//! Workbooks of Excel before 2007: real ones, and malformed ones.

use std::io::{Cursor, Write};

use cfb::CompoundFile;
use lastcall_domain::profile::ColumnType;
use lastcall_domain::{ProfileOptions, ReadOptions};

use crate::support::{Bench, column, top, types, warning};

const EXCEL_97: &[u8] = include_bytes!("fixtures/excel-97.xls");
/// The same, computed and saved by another program.
const RECALCULATED: &[u8] = include_bytes!("fixtures/excel-97-recalculated.xls");

const EOF: (u16, &[u8]) = (0x000a, &[]);
const CONTINUE: u16 = 0x003c;
const BOUND_SHEET: u16 = 0x0085;
const SST: u16 = 0x00fc;
const LABEL_SST: u16 = 0x00fd;
const DIMENSIONS: u16 = 0x0200;
const NUMBER: u16 = 0x0203;
const BOF: u16 = 0x0809;

fn record(kind: u16, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len()).unwrap();
    [&kind.to_le_bytes()[..], &length.to_le_bytes(), data].concat()
}

fn bof(of_sheet: bool) -> Vec<u8> {
    let kind: u16 = if of_sheet { 0x10 } else { 5 };
    record(
        BOF,
        &[&0x0600u16.to_le_bytes()[..], &kind.to_le_bytes()].concat(),
    )
}

/// A workbook with these records before its sheets, and a sheet with these, which is listed so many
/// times.
fn workbook(globals: &[Vec<u8>], sheet: &[Vec<u8>], listed: usize) -> Vec<u8> {
    let list = |at: u32| {
        let data = [&at.to_le_bytes()[..], &[0, 0, 1, 0, b'S']].concat();
        record(BOUND_SHEET, &data).repeat(listed)
    };
    let before = |at: u32| [bof(false), globals.concat(), list(at), record(EOF.0, EOF.1)].concat();
    let at = u32::try_from(before(0).len()).unwrap();
    let end = record(EOF.0, EOF.1);
    in_container(&[before(at), bof(true), sheet.concat(), end].concat())
}

/// A file whose tables name one sector again and again: `sectors` of 4,096 bytes say that the table
/// of sectors has 1,023 times as many.
fn table_of_one_sector(sectors: u32) -> Vec<u8> {
    const SECTOR: usize = 4096;
    const END: u32 = 0xffff_fffe;
    let words = |words: &[u32]| -> Vec<u8> {
        let bytes = words.iter().flat_map(|word| word.to_le_bytes());
        bytes.collect()
    };
    let mut head = vec![0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1];
    head.resize(24, 0);
    for half in [0x3e_u16, 4, 0xfffe, 12, 6, 0, 0, 0] {
        head.extend(half.to_le_bytes());
    }
    let tables = 109 + 1023 * sectors;
    head.extend(words(&[
        1,
        tables,
        sectors + 1,
        0,
        4096,
        END,
        0,
        0,
        sectors,
    ]));
    head.extend(words(&[sectors; 109]));
    head.resize(SECTOR, 0);
    let mut file = head;
    for sector in 1..=sectors {
        file.extend(words(&vec![sectors; SECTOR / 4 - 1]));
        file.extend(words(&[if sector < sectors { sector } else { END }]));
    }
    file.extend([0xff; SECTOR]);
    file.extend([0; SECTOR]);
    file
}

fn in_container(stream: &[u8]) -> Vec<u8> {
    in_container_as("/Workbook", stream)
}

fn in_container_as(name: &str, stream: &[u8]) -> Vec<u8> {
    let mut file = CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    let mut workbook = file.create_stream(name).unwrap();
    workbook.write_all(stream).unwrap();
    workbook.flush().unwrap();
    drop(workbook);
    file.flush().unwrap();
    file.into_inner().into_inner()
}

fn number(row: u16, column: u16, value: f64) -> Vec<u8> {
    let place = [row, column, 0].map(u16::to_le_bytes).concat();
    record(NUMBER, &[&place[..], &value.to_le_bytes()].concat())
}

fn shared(row: u16, column: u16, text: u32) -> Vec<u8> {
    let place = [row, column, 0].map(u16::to_le_bytes).concat();
    record(LABEL_SST, &[&place[..], &text.to_le_bytes()].concat())
}

/// The record of shared texts, which begin with `first` and go on in the others.
fn texts(first: &[u8], others: &[&[u8]]) -> Vec<u8> {
    // The counts are wrong: nobody needs them.
    let counts = [0xff; 8];
    let mut records = record(SST, &[&counts[..], first].concat());
    for other in others {
        records.extend(record(CONTINUE, other));
    }
    records
}

#[test]
fn cells_are_read_with_their_types() {
    // The content decides, not the name.
    for (name, workbook) in [("a.xlsx", EXCEL_97), ("a.xls", RECALCULATED)] {
        let profile = Bench::new().profile(name, workbook);
        // Who wrote the first left no values of formulas in it.
        let computed = name == "a.xls";
        let sum = if computed {
            ColumnType::Integer
        } else {
            ColumnType::String
        };
        let kinds = [
            ColumnType::String,
            ColumnType::Integer,
            ColumnType::Float,
            ColumnType::Date,
            ColumnType::Timestamp,
            ColumnType::String,
            ColumnType::Boolean,
            sum,
            ColumnType::Float,
        ];
        assert_eq!(types(&profile), kinds, "{name}");
        assert_eq!(profile.dataset.rows, 5);
        let names = top(column(&profile, "name"));
        assert!(names.contains(&("Åse".into(), 1)), "{names:?}");
        assert!(names.contains(&("𝒳 beyond".into(), 1)), "{names:?}");
        assert_eq!(column(&profile, "name").missing, 1);
        let on = top(column(&profile, "on"));
        assert!(on.contains(&("2024-02-29".into(), 1)), "{on:?}");
        let at = top(column(&profile, "at"));
        assert!(at.contains(&("2024-01-01T12:30:04Z".into(), 1)), "{at:?}");
        let took = top(column(&profile, "took"));
        assert!(took.contains(&("36:00:00".into(), 1)), "{took:?}");
    }
}

#[test]
fn formulas_count_by_the_values_that_excel_left() {
    let formula = |row: u16, value: [u8; 8]| {
        let place = [row, 0, 0].map(u16::to_le_bytes).concat();
        record(0x0006, &[&place[..], &value, &[0; 8]].concat())
    };
    let told = |kind: u8, value: u8| [kind, 0, value, 0, 0, 0, 0xff, 0xff];
    let shared_formula = record(0x04bc, &[0; 10]);
    let text = record(0x0207, b"\x02\0\0ok");
    let cells = [
        [formula(0, told(0, 0)), shared_formula, text].concat(),
        formula(1, 2.5f64.to_le_bytes()),
        formula(2, told(1, 1)),
        formula(3, told(2, 7)),
        formula(4, told(3, 0)),
    ];
    let profile = Bench::new().profile("a.xls", workbook(&[], &cells, 1));
    let column = column(&profile, "ok");
    let mut values = top(column);
    values.sort();
    assert_eq!(values, [("2.5".into(), 1), ("true".into(), 1)]);
    assert_eq!((profile.dataset.rows, column.missing), (4, 2));
}

#[test]
fn texts_of_excel_95_are_in_the_code_page_that_it_names() {
    let bof = |kind: u16| record(BOF, &[5 << 8, kind].map(u16::to_le_bytes).concat());
    let label = |row: u8, text: &[u8]| {
        let length = u8::try_from(text.len()).unwrap();
        record(
            0x0204,
            &[&[row, 0, 0, 0, 0, 0, length, 0][..], text].concat(),
        )
    };
    let before = |at: u32| {
        let sheet = [&at.to_le_bytes()[..], &[0, 0, 1, 0xcb]].concat();
        let code_page = record(0x0042, &1251u16.to_le_bytes());
        let end = record(EOF.0, EOF.1);
        [bof(5), code_page, record(BOUND_SHEET, &sheet), end].concat()
    };
    let at = u32::try_from(before(0).len()).unwrap();
    let cells = [label(0, b"\xe8\xec\xff"), label(1, b"\xce\xeb\xfc\xe3\xe0")].concat();
    let end = record(EOF.0, EOF.1);
    let stream = [before(at), bof(0x10), cells, end].concat();
    let profile = Bench::new().profile("a.xls", in_container_as("/Book", &stream));
    assert_eq!(top(column(&profile, "имя")), [("Ольга".into(), 1)]);
}

#[test]
fn a_sheet_is_chosen_by_its_name() {
    let bench = Bench::new();
    let of = |sheet: &str| {
        let read = ReadOptions {
            sheet: Some(sheet.into()),
            ..ReadOptions::default()
        };
        let options = ProfileOptions {
            read,
            ..ProfileOptions::default()
        };
        bench.try_profile("a.xls", EXCEL_97, &options)
    };
    assert_eq!(of("Größen").unwrap().dataset.rows, 5);
    assert_eq!(of("Empty").unwrap().dataset.columns, 0);
    let refused = of("Other").unwrap_err();
    assert_eq!(refused.code(), "invalid_option");
    assert!(
        refused.to_string().contains("`Empty`, `Größen`"),
        "{refused}"
    );
}

#[test]
fn other_sheets_with_cells_are_counted() {
    let cells = [number(0, 0, 1.0), number(1, 0, 2.0)];
    let profile = Bench::new().profile("a.xls", workbook(&[], &cells, 3));
    assert_eq!(profile.read.sheet.as_deref(), Some("S"));
    assert_eq!(warning(&profile, "other_sheets").count, 2);
    let profile = Bench::new().profile("a.xls", EXCEL_97);
    assert_eq!(profile.read.sheet.as_deref(), Some("Größen"));
    assert!(
        profile
            .warnings
            .iter()
            .all(|told| told.code != "other_sheets")
    );
}

#[test]
fn a_text_continues_in_another_record_with_another_width() {
    // "abЖcd" with a run of a font and an extension behind it, then "z".
    let begin = [&[5, 0, 8 | 4, 1, 0, 3, 0, 0, 0][..], b"ab"].concat();
    let middle = [&[1][..], &0x416u16.to_le_bytes(), b"c\0"].concat();
    let end = [&[0, b'd'][..], &[9; 4]].concat();
    let last = [&[9; 3][..], &[1, 0, 0, b'z']].concat();
    let globals = [texts(&begin, &[&middle, &end, &last])];
    let cells = [shared(0, 0, 1), shared(1, 0, 0)];
    let profile = Bench::new().profile("a.xls", workbook(&globals, &cells, 1));
    assert_eq!(top(column(&profile, "z")), [("abЖcd".into(), 1)]);
}

#[test]
fn what_a_sheet_says_of_its_size_takes_no_memory() {
    let huge = [&[0; 4][..], &[0xff; 4], &[0, 0, 0xff, 0xff, 0, 0]].concat();
    let cells = [
        record(DIMENSIONS, &huge),
        number(0, 0, 1.0),
        number(65_535, 255, 2.0),
    ];
    let profile = Bench::new().profile("a.xls", workbook(&[], &cells, 3_000));
    assert_eq!(profile.dataset.rows, 1);
    assert_eq!(profile.columns.len(), 2);
}

#[test]
fn one_long_text_in_many_cells_is_bounded() {
    let long = [&[0x00, 0xfa, 0][..], &[b'x'; 8_000]].concat();
    let rest = [&[0][..], &[b'x'; 8_000]].concat();
    let globals = [texts(&long, &[rest.as_slice(); 7])];
    let cells: Vec<Vec<u8>> = (0..10_000).map(|row| shared(row, 0, 0)).collect();
    let refused = Bench::new().failure("a.xls", workbook(&globals, &cells, 1));
    assert!(refused.starts_with("resource_exhausted"), "{refused}");
}

#[test]
fn shared_texts_that_exceed_the_memory_are_reported_as_such() {
    let empty = [0u8, 0, 0].repeat(2_700);
    let globals = [texts(&empty, &vec![empty.as_slice(); 400])];
    let bench = Bench::with(1, 8 << 20);
    let refused = bench.failure("a.xls", workbook(&globals, &[number(0, 0, 1.0)], 1));
    assert!(refused.starts_with("resource_exhausted"), "{refused}");
}

#[test]
fn tables_that_a_file_does_not_have_are_not_read() {
    let file = table_of_one_sector(1_000);
    assert_eq!(file.len(), 1_003 * 4096);
    let refused = Bench::new().failure("a.xls", file);
    assert!(
        refused.starts_with("malformed_data") && refused.contains("more than 20 MiB"),
        "{refused}"
    );
}

#[test]
fn the_text_that_a_password_leaves_is_no_password() {
    let text: Vec<u8> = "EncryptedPackage"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    // A record that is not read.
    let other = record(0x0fff, &text);
    let head = texts(&[1, 0, 0, b'n'], &[]);
    let cells = [shared(0, 0, 0), number(1, 0, 1.0)];
    let profile = Bench::new().profile("a.xls", workbook(&[other, head], &cells, 1));
    assert_eq!(profile.dataset.rows, 1);
}

#[test]
fn a_workbook_with_a_password_is_reported_as_such() {
    let password = record(0x002f, &[1, 0, 0, 0]);
    let refused = Bench::new().failure("a.xls", workbook(&[password], &[], 1));
    assert!(refused.contains("password"), "{refused}");
}

#[test]
fn a_workbook_that_contradicts_itself_is_malformed() {
    let beyond = |at: u32| {
        let data = [&at.to_le_bytes()[..], &[0, 0, 1, 0, b'S']].concat();
        in_container(&[bof(false), record(BOUND_SHEET, &data), record(EOF.0, EOF.1)].concat())
    };
    for (what, bytes) in [
        (
            "rows out of order",
            workbook(&[], &[number(2, 0, 1.0), number(1, 0, 1.0)], 1),
        ),
        ("a missing text", workbook(&[], &[shared(0, 0, 7)], 1)),
        ("a sheet beyond the end", beyond(1 << 30)),
        ("a sheet that is no sheet", beyond(4)),
        ("no sheet", workbook(&[], &[], 0)),
        (
            "a cell that is cut short",
            workbook(&[], &[record(NUMBER, &[0; 9])], 1),
        ),
        (
            "a text that does not end",
            workbook(&[texts(&[9, 0, 0, b'x'], &[])], &[], 1),
        ),
        ("nothing", in_container(b"")),
        (
            "no workbook",
            CompoundFile::create(Cursor::new(Vec::new()))
                .unwrap()
                .into_inner()
                .into_inner(),
        ),
        ("no container", [&EXCEL_97[..512], &[0xff; 512]].concat()),
    ] {
        let refused = Bench::new().failure("a.xls", bytes);
        assert!(refused.starts_with("malformed_data"), "{what}: {refused}");
    }
}

#[test]
fn a_workbook_that_is_cut_or_damaged_anywhere_is_read_or_refused() {
    let bench = Bench::new();
    let read = |bytes: Vec<u8>| {
        let profile = bench.try_profile("a.xls", bytes, &ProfileOptions::default());
        profile.err().map(|error| error.code())
    };
    for length in (0..EXCEL_97.len()).step_by(128) {
        let code = read(EXCEL_97[..length].to_vec());
        assert!(
            matches!(code, None | Some("malformed_data")),
            "{length}: {code:?}"
        );
    }
    for at in (0..EXCEL_97.len()).step_by(3) {
        let mut bytes = EXCEL_97.to_vec();
        bytes[at] ^= 0xff;
        let code = read(bytes);
        let known = [
            None,
            Some("malformed_data"),
            Some("unsupported_data"),
            Some("resource_exhausted"),
            Some("too_many_columns"),
        ];
        assert!(known.contains(&code), "{at}: {code:?}");
    }
}
