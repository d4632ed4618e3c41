//! Which style a column of numbers has, and what its cells are worth.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::parse::kinds::{Hints, Kind, Reading};

/// As a column of such cells is read.
fn column(cells: &[&str], decimal_of_others: Option<u8>) -> Reading {
    let kinds = cells.iter().fold(TypeSet::ALL, |kinds, cell| {
        let cell = cell.as_bytes();
        kinds.and(match (number::integer(cell), number::float(cell)) {
            (Some(n), _) if n < 0 => TypeSet::WHOLE.without(TypeSet::NO_MINUS),
            (Some(_), _) if cell[0] == b'+' => TypeSet::WHOLE.without(TypeSet::NO_PLUS),
            (Some(_), _) => TypeSet::WHOLE,
            (None, Some(_)) => TypeSet::FLOAT.or(number_grouped(cell)),
            (None, None) => classify(cell),
        })
    });
    kinds.resolve(&Hints {
        decimal_of_others,
        ..Hints::default()
    })
}

fn number_grouped(cell: &[u8]) -> TypeSet {
    let comma = TypeSet::number(Style::Comma, true);
    if classify(cell).has(comma) {
        comma
    } else {
        TypeSet::TEXT
    }
}

#[test]
fn a_column_is_read_in_the_only_style_that_all_its_cells_allow() {
    use Style::{Comma, CommaApostrophe, CommaBlank, Plain, Point, PointApostrophe};
    let (whole, float) = (Kind::Integer, Kind::Float);
    for (cells, kind, style) in [
        (&["3,5", "12,25", "7"][..], float, Comma),
        (&["1.234,50", "99,90"], float, Comma),
        (&["1.234.567", "12"], whole, Comma),
        (&["1 234,50", "9,5"], float, CommaBlank),
        (&["1\u{a0}234,5", "1\u{202f}234,5"], float, CommaBlank),
        (&["1’234,5", "1'234'567,5"], float, CommaApostrophe),
        (&["1’234.50", "12"], float, PointApostrophe),
        (&["1,234.50", "1,234"], float, Point),
        (&["1,234,567", "12,345"], whole, Point),
        (&["0,125", "0,250"], float, Comma),
        (&["1234,567"], float, Comma),
        (&["1 234", "12 345"], whole, Style::PointBlank),
        (&["12%", "3 %"], whole, Point),
        (&["12.5%", "3.25%"], float, Point),
        (&["12,5 %", "3 %"], float, Comma),
        (&["$1,234.50", "$-3", "-$4"], float, Point),
        (&["1.234,50 €", "9,99 €"], float, Comma),
        (&["100 zł", "20 zł"], whole, Point),
        (&["(5)", "3", "12"], whole, Point),
        (&["($5.25)", "$3"], float, Point),
        (&["$1,234.50", "$(12.00)", "$5.00"], float, Point),
        (&[" $ 1,234.50 ", " $ (12,345.00)"], float, Point),
        (&["(5) €", "3 €"], whole, Point),
        (&["1'234", "5’000"], whole, PointApostrophe),
        (&["5-", "3", "1,5-"], float, Comma),
        (&["\u{2212}5", "3"], whole, Point),
        (&["1,5E+03", "2,5"], float, Comma),
        (&["12.500", "3.750"], float, Plain),
        (&["+3", "-2"], whole, Plain),
    ] {
        assert_eq!(column(cells, None), Reading { kind, style }, "{cells:?}");
    }
}

#[test]
fn what_leaves_doubt_stays_text() {
    for cells in [
        &["1,234", "12,345"][..],
        &["123 456", "654 321"],
        &["(1)", "(2)"],
        &["1-", "2-"],
        &["12%", "3"],
        &["$1", "€2"],
        &["1,5", "1.5"],
        &["1,5,3", "2,5"],
        &["12.34.56"],
        &["007,5"],
        &["10.100.200.100", "192.168.100.200"],
        &["555-1234"],
        &["1,23,456"],
        &["12,", "3"],
        &["5 apples"],
        &["5kr"],
        &["--5"],
        &["(-5)", "3"],
        &["-(5)", "3"],
        &["((5))", "3"],
        &["-$(5)", "$3"],
        &["+4930123456", "+14155550101"],
        &["99.999.999.999.999.999.999"],
    ] {
        assert_eq!(column(cells, None).kind, Kind::Text, "{cells:?}");
    }
}

#[test]
fn other_columns_tell_which_mark_is_the_decimal_one() {
    let read = |cells: &[&str], decimal| {
        let read = column(cells, Some(decimal));
        (read.kind, read.style)
    };
    assert_eq!(read(&["1,234"], b'.'), (Kind::Integer, Style::Point));
    assert_eq!(read(&["1,234"], b','), (Kind::Float, Style::Comma));
    assert_eq!(read(&["12.500"], b',').0, Kind::Text);
    assert_eq!(read(&["12.500"], b'.'), (Kind::Float, Style::Plain));
    assert_eq!(read(&["12.5"], b','), (Kind::Float, Style::Plain));
}

#[test]
fn numbers_have_their_value_in_the_style_of_their_column() {
    for (cell, style, value) in [
        ("1.234,50 €", Style::Comma, 1234.5),
        ("12.500", Style::Comma, 12_500.0),
        ("12.500", Style::Point, 12.5),
        ("1\u{202f}234,5", Style::CommaBlank, 1234.5),
        ("(1,234.5)", Style::Point, -1234.5),
        ("12,5-", Style::Comma, -12.5),
        ("-12,5 %", Style::Comma, -12.5),
        ("1,5E+03", Style::Comma, 1500.0),
    ] {
        assert_eq!(
            read_float(cell.as_bytes(), style.marks()),
            Some(value),
            "{cell}"
        );
    }
    let other = Marks::new(',', Some('_'));
    assert_eq!(read_float(b"1_234,5", other), Some(1234.5));
    assert_eq!(read_integer(b"1_234_567", other), Some(1_234_567));
    assert_eq!(
        read_integer(b"-1.234.567", Style::Comma.marks()),
        Some(-1_234_567)
    );
    assert_eq!(read_float(b"1.5", other), None);
}
