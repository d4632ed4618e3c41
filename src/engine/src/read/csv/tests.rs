//! Compares the reader with another implementation, and with itself on other chunks.

use proptest::prelude::*;

use super::cells::Cells;
use super::dialect::Dialect;
use super::marks::UniformRows;
use crate::read::records::{Splitter, is_blank};

const COMMA: Dialect = Dialect {
    delimiter: b',',
    quote: Some(b'"'),
    in_line: false,
    escape: None,
    comment: None,
    spaced: false,
};

/// The cells of this crate: records of `width` cells.
fn ours(data: &[u8], width: usize) -> Vec<Vec<Option<Vec<u8>>>> {
    let cells = Cells::cut(data, COMMA, width, 1);
    let mut rows = vec![Vec::new(); cells.rows()];
    for column in 0..width {
        for (row, cell) in rows.iter_mut().zip(cells.column(column)) {
            row.push(cell.map(|cell| cell.into_owned()));
        }
    }
    rows
}

/// The cells of the `csv` crate, at the same width. A blank line is a cell there.
fn theirs(data: &[u8], width: usize) -> Vec<Vec<Option<Vec<u8>>>> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .terminator(csv::Terminator::Any(b'\n'))
        .from_reader(data);
    reader
        .byte_records()
        .map(Result::unwrap)
        .filter(|record| record.len() > 1 || is_quoted(data, record) || !is_blank(&record[0], b','))
        .map(|record| {
            let count = record.len();
            (0..width)
                .map(|at| {
                    let cell = record.get(at)?;
                    // With this terminator a carriage return before it stays in the last cell.
                    let last = at + 1 == count;
                    let cell = if last {
                        cell.strip_suffix(b"\r").unwrap_or(cell)
                    } else {
                        cell
                    };
                    Some(cell.to_vec())
                })
                .collect()
        })
        .collect()
}

/// Whether the first cell is; the place of a record is before the blank lines that it follows.
fn is_quoted(data: &[u8], record: &csv::ByteRecord) -> bool {
    let start = record.position().unwrap().byte() as usize;
    data[start..].iter().find(|&&byte| byte != b'\n') == Some(&b'"')
}

/// Text with many marks in it, as ill-formed as it comes, but with every quote closed.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => "[a-z0-9 ]{0,4}",
        3 => Just(",".to_owned()),
        2 => Just("\n".to_owned()),
        1 => Just("\r\n".to_owned()),
        2 => "[a-z,\n]{0,5}".prop_map(|s| format!("\"{s}\"")),
        1 => "[a-z]{0,2}".prop_map(|s| format!("\"{s}\"\"{s}\"")),
        1 => "[a-z]{1,3}".prop_map(|s| format!("{s}\"")),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// Records of one width, quotes and all.
fn even_text(width: usize) -> impl Strategy<Value = String> {
    let cell = prop_oneof![
        4 => "[a-z0-9 .-]{0,12}",
        1 => "[a-z,\n]{0,80}".prop_map(|s| format!("\"{s}\"")),
        1 => "[a-z]{0,3}".prop_map(|s| format!("\"{s}\"\"{s}\"")),
        1 => Just("\"\"\"\"".to_owned()),
    ];
    let end = prop_oneof![4 => Just("\n"), 1 => Just("\r\n")];
    let record = (proptest::collection::vec(cell, width), end);
    proptest::collection::vec(record, 0..30).prop_map(|records| {
        let lines = records.iter().map(|(cells, end)| cells.join(",") + end);
        lines.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cells_are_those_of_the_csv_crate(text in text(), width in 2..5usize) {
        let data = text.as_bytes();
        // A quote that is never closed is an error here and the end of the data there.
        let end = COMMA.last_record_end(data).unwrap_or(0);
        prop_assert_eq!(ours(&data[..end], width), theirs(&data[..end], width));
    }

    #[test]
    fn records_end_where_the_last_record_ends(text in text()) {
        let data = text.as_bytes();
        let mut end = 0;
        while let Some(next) = COMMA.record_end(data, end) {
            end = next;
        }
        prop_assert_eq!(COMMA.last_record_end(data).unwrap_or(0), end);
    }

    #[test]
    fn data_cut_between_records_has_the_same_cells(text in text(), width in 1..4usize, at in 0..200usize) {
        let data = text.as_bytes();
        let end = COMMA.last_record_end(data).unwrap_or(0);
        let at = COMMA.last_record_end(&data[..at.min(end)]).unwrap_or(0);
        let mut parts = ours(&data[..at], width);
        parts.extend(ours(&data[at..end], width));
        prop_assert_eq!(parts, ours(&data[..end], width));
    }

    #[test]
    fn records_of_one_width_are_cut_at_once(
        (width, text) in (2..6usize).prop_flat_map(|width| (Just(width), even_text(width))),
        ended in proptest::bool::ANY,
    ) {
        let text = if ended { &text[..] } else { text.trim_end_matches(['\r', '\n']) };
        let data = text.as_bytes();
        prop_assert!(UniformRows::cut(data, &COMMA, width).is_some() || !ended);
        prop_assert_eq!(ours(data, width), theirs(data, width));
    }

    #[test]
    fn what_is_cut_at_once_has_the_same_cells_as_one_by_one(text in text(), width in 2..4usize) {
        let data = text.as_bytes();
        let end = COMMA.last_record_end(data).unwrap_or(0);
        if UniformRows::cut(&data[..end], &COMMA, width).is_some() {
            prop_assert_eq!(ours(&data[..end], width), theirs(&data[..end], width));
        }
    }
}
