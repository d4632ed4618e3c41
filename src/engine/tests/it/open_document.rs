//! OpenDocument spreadsheets.

use lastcall_domain::profile::ColumnType;
use lastcall_domain::{ProfileOptions, ReadOptions};

use crate::support::{Bench, column, top, types};

/// A spreadsheet of OpenDocument with these tables.
pub(crate) fn ods(tables: &str) -> Vec<u8> {
    use std::io::Write;

    let mut book = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    let stored = options.compression_method(zip::CompressionMethod::Stored);
    book.start_file("mimetype", stored).unwrap();
    book.write_all(b"application/vnd.oasis.opendocument.spreadsheet")
        .unwrap();
    book.start_file("content.xml", options).unwrap();
    let content = format!(
        "<?xml version=\"1.0\"?><office:document-content><office:body><office:spreadsheet>\
         {tables}</office:spreadsheet></office:body></office:document-content>"
    );
    book.write_all(content.as_bytes()).unwrap();
    book.finish().unwrap().into_inner()
}

pub(crate) fn text_cell(text: &str) -> String {
    format!(
        "<table:table-cell office:value-type=\"string\"><text:p>{text}</text:p></table:table-cell>"
    )
}

pub(crate) fn number_cell(number: &str) -> String {
    format!(
        "<table:table-cell office:value-type=\"float\" office:value=\"{number}\"><text:p>shown</text:p></table:table-cell>"
    )
}

pub(crate) fn row(cells: &[String]) -> String {
    format!("<table:table-row>{}</table:table-row>", cells.concat())
}

#[test]
fn sheets_of_open_document_are_read() {
    let day = "<table:table-cell office:value-type=\"date\" office:date-value=\"2024-02-29\"><text:p>29.02.24</text:p></table:table-cell>";
    let yes = "<table:table-cell office:value-type=\"boolean\" office:boolean-value=\"true\"><text:p>TRUE</text:p></table:table-cell>";
    let error = "<table:table-cell office:value-type=\"string\" office:string-value=\"\" calcext:value-type=\"error\"><text:p>#N/A</text:p></table:table-cell>";
    let gap = "<table:table-cell table:number-columns-repeated=\"16000\"/>";
    let noted = "<table:table-cell office:value-type=\"string\"><office:annotation><text:p>a note</text:p></office:annotation><text:p>a &amp;<text:s text:c=\"2\"/>b</text:p><text:p>c</text:p></table:table-cell>";
    let header = ["n", "day", "yes", "s"].map(text_cell);
    let rows = [
        row(&header),
        row(&[number_cell("1"), day.into(), yes.into(), noted.into(), gap.into()]),
        format!(
            "<table:table-row table:number-rows-repeated=\"2\">{}{day}{yes}{}</table:table-row>",
            number_cell("2.5"),
            text_cell("x")
        ),
        row(&[error.into()]),
        "<table:table-row table:number-rows-repeated=\"1048000\"><table:table-cell table:number-columns-repeated=\"16384\"/></table:table-row>".into(),
    ];
    let empty = "<table:table table:name=\"Empty\"><table:table-row><table:table-cell/></table:table-row></table:table>";
    let book = ods(&format!(
        "{empty}<table:table table:name=\"Data\">{}</table:table>",
        rows.concat()
    ));
    let bench = Bench::new();
    let profile = bench.profile("a.ods", &book);
    assert_eq!(profile.dataset.rows, 4);
    use ColumnType::{Boolean, Date, Float, String};
    assert_eq!(types(&profile), [Float, Date, Boolean, String]);
    let n = column(&profile, "n");
    assert_eq!((n.count, n.missing), (3, 1));
    assert_eq!(top(column(&profile, "day")), [("2024-02-29".into(), 3)]);
    assert_eq!(
        top(column(&profile, "s")),
        [("x".into(), 2), ("a &  b\nc".into(), 1)]
    );
    let read = |sheet: &str| {
        let options = ProfileOptions {
            read: ReadOptions {
                sheet: Some(sheet.into()),
                ..ReadOptions::default()
            },
            ..ProfileOptions::default()
        };
        bench.try_profile("a.ods", &book, &options)
    };
    assert_eq!(read("Data").unwrap().dataset.rows, 4);
    let failure = read("Other").unwrap_err().to_string();
    assert!(failure.contains("`Empty`, `Data`"), "{failure}");
}

#[test]
fn the_text_of_a_cell_is_that_of_its_own_paragraphs() {
    let drawn = "<table:table-cell office:value-type=\"string\">\
        <draw:custom-shape><text:p>a shape</text:p></draw:custom-shape>\
        <draw:g><draw:rect><text:p>a group</text:p></draw:rect></draw:g>\
        <office:annotation><dc:creator>me</dc:creator><text:p>a note</text:p></office:annotation>\
        <text:p>x<text:span>y<text:a>z</text:a></text:span>\
        <text:note><text:note-body><text:p>n</text:p></text:note-body></text:note>!</text:p>\
        </table:table-cell>";
    let rows = [row(&[text_cell("s")]), row(&[drawn.into()])];
    let book = ods(&format!(
        "<table:table table:name=\"a\">{}</table:table>",
        rows.concat()
    ));
    let profile = Bench::new().profile("a.ods", &book);
    assert_eq!(top(column(&profile, "s")), [("xyz!".into(), 1)]);
}

#[test]
fn of_many_sheets_some_are_named() {
    let long = "n".repeat(5_000);
    let tables: String = (0..300)
        .map(|at| format!("<table:table table:name=\"{long}{at}\"></table:table>"))
        .collect();
    let options = ProfileOptions {
        read: ReadOptions {
            sheet: Some("Data".into()),
            ..ReadOptions::default()
        },
        ..ProfileOptions::default()
    };
    let refused = Bench::new().try_profile("a.ods", ods(&tables), &options);
    let refused = refused.unwrap_err().to_string();
    assert!(refused.len() < 5_000, "{}", refused.len());
    assert!(refused.ends_with('…'), "{refused}");
}

#[test]
fn a_sheet_of_open_document_that_repeats_itself_does_not_swell() {
    let many = "<table:table-row table:number-rows-repeated=\"1000000000\"><table:table-cell office:value-type=\"string\" table:number-columns-repeated=\"1000\"><text:p>a text that is repeated</text:p></table:table-cell></table:table-row>";
    let book = ods(&format!(
        "<table:table table:name=\"a\">{}{many}</table:table>",
        row(&[text_cell("a")])
    ));
    let failure = Bench::new().failure("a.ods", &book);
    assert!(failure.starts_with("resource_exhausted"), "{failure}");
    let wide = "<table:table-row><table:table-cell office:value-type=\"string\" table:number-columns-repeated=\"1000000000\"><text:p>a</text:p></table:table-cell></table:table-row>";
    let book = ods(&format!(
        "<table:table table:name=\"a\">{wide}</table:table>"
    ));
    let failure = Bench::new().failure("a.ods", &book);
    assert!(failure.starts_with("too_many_columns"), "{failure}");
    // Many cells of a row, none of which is large.
    let text = text_cell(&"x".repeat(1_000));
    let rows = row(&vec![text; 3_000]);
    let book = ods(&format!(
        "<table:table table:name=\"a\">{rows}</table:table>"
    ));
    let failure = Bench::with(0, 16 << 20).failure("a.ods", &book);
    assert!(failure.starts_with("record_too_large"), "{failure}");
    assert!(failure.contains("row 1 of the sheet"), "{failure}");
    let cut = ods("<table:table table:name=\"a\"><table:table-row>");
    let failure = Bench::new().failure("a.ods", &cut);
    assert!(failure.starts_with("malformed_data"), "{failure}");
}
