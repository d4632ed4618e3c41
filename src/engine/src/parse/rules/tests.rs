use super::*;

fn rules(options: ReadOptions) -> CellRules {
    CellRules::new(&options).unwrap()
}

#[test]
fn decimal_commas_and_thousands_are_read_when_asked_for() {
    let german = rules(ReadOptions {
        decimal: Some(','),
        thousands: Some('.'),
        ..ReadOptions::default()
    });
    assert_eq!(german.any_float(b"1.234,5"), Some(1234.5));
    assert_eq!(german.any_integer(b"-1.234.567"), Some(-1_234_567));
    assert_eq!(german.any_float(b"0,25"), Some(0.25));
    assert!(german.classify(Field::from(&b"12.34"[..])).is_text());
    assert!(german.classify(Field::from(&b"1,5,5"[..])).is_text());
    let narrow = rules(ReadOptions {
        decimal: Some(','),
        thousands: Some('\u{202f}'),
        ..ReadOptions::default()
    });
    assert_eq!(narrow.any_float("1\u{202f}234,5".as_bytes()), Some(1234.5));
    let english = rules(ReadOptions {
        thousands: Some(','),
        ..ReadOptions::default()
    });
    assert_eq!(english.any_integer(b"1,000"), Some(1000));
    assert_eq!(english.any_float(b"1,000.5"), Some(1000.5));
    assert!(english.classify(Field::from(&b"1,00"[..])).is_text());
}

#[test]
fn the_missing_markers_are_the_given_ones() {
    let default = rules(ReadOptions::default());
    for marker in DEFAULT_MISSING {
        assert!(default.is_missing(marker.as_bytes()));
    }
    assert!(!default.is_missing(b"na"));
    assert!(!default.missing_first());
    let given = rules(ReadOptions {
        missing: Some(vec!["-999".into()]),
        ..ReadOptions::default()
    });
    assert!(given.is_missing(b"-999") && !given.is_missing(b""));
    assert!(given.missing_first());
}

#[test]
fn blanks_around_a_number_do_not_make_it_text() {
    let rules = rules(ReadOptions::default());
    assert_eq!(rules.classify(Field::from(&b" 12 "[..])), TypeSet::WHOLE);
    assert_eq!(rules.classify(Field::from(&b" 1.5"[..])), TypeSet::FLOAT);
    assert!(rules.classify(Field::from(&b"  "[..])).is_text());
}

#[test]
fn what_reads_as_something_is_never_taken_for_a_mixture() {
    let rules = rules(ReadOptions::default());
    for (cell, mixed) in [
        ("22f2e798d92822ed", true),
        ("7f0cab12", true),
        ("12 ab cdef", false),
        ("1e300000", false),
        ("31-Jan-2012", false),
        ("5 January 2012", false),
        ("2012-01-31T10:00:00Z", false),
        ("12345678", false),
        ("1.5e-10000", false),
    ] {
        let field = Field::from(cell.as_bytes());
        assert_eq!(field.is_mixed(), mixed, "{cell}");
        assert_eq!(
            rules.classify(field).is_text(),
            mixed || cell.starts_with("12 "),
            "{cell}"
        );
    }
}

#[test]
fn booleans_are_read_in_any_case() {
    for (cell, read) in [
        ("true", Some(true)),
        ("False", Some(false)),
        ("TRUE", Some(true)),
        (" true ", Some(true)),
        ("tru", None),
        ("falsey", None),
        ("t\u{12}ue", None),
        ("", None),
    ] {
        let chunk = format!("{cell},0123456789");
        let field = Field::new(chunk.as_bytes(), cell.len());
        assert_eq!(CellRules::boolean(field), read, "{cell}");
        assert_eq!(CellRules::boolean(Field::from(cell.as_bytes())), read);
    }
}
