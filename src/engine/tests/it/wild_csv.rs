//! CSV in the wild.

use lastcall_domain::profile::{ColumnType, Number};
use lastcall_domain::{ProfileOptions, ReadOptions};

use crate::support::{Bench, alerts, column, top, types, warning};

fn names(bytes: impl AsRef<[u8]>) -> Vec<String> {
    let profile = Bench::new().profile("a.csv", bytes);
    profile
        .columns
        .into_iter()
        .map(|column| column.name)
        .collect()
}

#[test]
fn quotes_hold_delimiters_line_ends_and_quotes() {
    let profile = Bench::new().profile("a.csv", "a,b\n\"x,\ny\",\"say \"\"hi\"\"\"\r\n\"\",z\n");
    assert_eq!(profile.dataset.rows, 2);
    assert_eq!(top(column(&profile, "a")), [("x,\ny".into(), 1)]);
    assert_eq!(column(&profile, "a").missing, 1);
    assert_eq!(
        top(column(&profile, "b")),
        [("say \"hi\"".into(), 1), ("z".into(), 1)]
    );
}

#[test]
fn a_quote_inside_a_cell_is_a_character() {
    let profile = Bench::new().profile("a.csv", "a,b\n5\" pipe,1\n7\" pipe,2\n\"abc\"def,3\n");
    let expected = ["5\" pipe", "7\" pipe", "abcdef"].map(|text| (text.into(), 1));
    assert_eq!(top(column(&profile, "a")), expected);
}

#[test]
fn delimiters_are_found_out() {
    for text in [
        "a;b\n1;2,5\n",
        "a\tb\n1\t2,5\n",
        "a|b\n1|2,5\n",
        "a,b\n1,2;5\n",
    ] {
        assert_eq!(names(text), ["a", "b"], "{text:?}");
    }
    assert_eq!(names("one\n1\n2\n"), ["one"]);
    let given = ReadOptions {
        delimiter: Some(';'),
        ..ReadOptions::default()
    };
    let profile = Bench::new().profile_reading("a.csv", "a,b;c,d\n1,2;3,4\n", given);
    assert_eq!(profile.columns[0].name, "a,b");
}

#[test]
fn encodings_are_found_out() {
    let text = "größe,wert\nMüller,1\nÉmile,€\n";
    let wide = |bytes: fn(u16) -> [u8; 2], mark: &[u8]| {
        let units = text.encode_utf16().flat_map(bytes);
        mark.iter().copied().chain(units).collect::<Vec<u8>>()
    };
    let latin: Vec<u8> = text
        .chars()
        .map(|c| {
            if c == '€' {
                0x80
            } else {
                u8::try_from(u32::from(c)).unwrap()
            }
        })
        .collect();
    for bytes in [
        text.as_bytes().to_vec(),
        [b"\xef\xbb\xbf", text.as_bytes()].concat(),
        wide(u16::to_le_bytes, b"\xff\xfe"),
        wide(u16::to_be_bytes, b"\xfe\xff"),
        wide(u16::to_le_bytes, b""),
        wide(u16::to_be_bytes, b""),
        latin,
    ] {
        let profile = Bench::new().profile("a.csv", &bytes);
        assert_eq!(profile.columns[0].name, "größe", "{bytes:?}");
        assert_eq!(
            top(&profile.columns[0]),
            [("Müller".into(), 1), ("Émile".into(), 1)]
        );
        assert_eq!(top(&profile.columns[1]), [("1".into(), 1), ("€".into(), 1)]);
    }
}

#[test]
fn latin_1_that_shows_after_the_first_look_is_read_as_such() {
    let mut bytes = b"a,b\n".to_vec();
    bytes.extend(b"x,1\n".repeat(100_000));
    bytes.extend(b"\xe9t\xe9,2\n");
    let profile = Bench::new().profile("a.csv", bytes);
    assert_eq!(top(column(&profile, "a"))[1], ("été".into(), 1));
    assert_eq!(warning(&profile, "guessed_encoding").count, 1);
    assert_eq!(profile.warnings.len(), 1);
}

#[test]
fn what_is_no_text_in_its_encoding_is_replaced_and_reported_with_its_line() {
    let bench = Bench::new();
    let wide: Vec<u8> = "a,b\n1,x\n2,y"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let half = [0x00, 0xd8, b'\n', 0];
    for (bytes, encoding, line) in [
        (wide[..wide.len() - 1].to_vec(), "utf-16le", 3),
        (
            [&wide[..14], &half[..], &wide[16..]].concat(),
            "utf-16le",
            2,
        ),
        (b"a,b\n1,\x93\xfa\n2,\xff\n".to_vec(), "shift_jis", 3),
    ] {
        let options = ProfileOptions {
            read: ReadOptions {
                encoding: Some(encoding.into()),
                ..ReadOptions::default()
            },
            ..ProfileOptions::default()
        };
        let profile = bench.try_profile("a.csv", &bytes, &options).unwrap();
        let replaced = warning(&profile, "replaced_characters");
        assert_eq!(replaced.count, 1, "{encoding}");
        assert!(
            replaced.detail.ends_with(&format!("on line {line}")),
            "{}",
            replaced.detail
        );
        assert_eq!(profile.dataset.rows, 2);
    }
}

#[test]
fn stray_bytes_among_utf_8_are_replaced_and_reported_with_their_line() {
    let many = "é,3\n".repeat(100_000);
    let early = [b"a,b\n\xff,2\n", many.as_bytes()].concat();
    let late = [b"a,b\n", many.as_bytes(), b"\xff,2\n"].concat();
    for (bytes, line) in [(early, "line 2"), (late, "line 100002")] {
        let profile = Bench::new().profile("a.csv", bytes);
        let expected = [("é".into(), 100_000), ("\u{fffd}".into(), 1)];
        assert_eq!(top(column(&profile, "a")), expected);
        let replaced = warning(&profile, "replaced_characters");
        assert_eq!(replaced.count, 1);
        assert!(replaced.detail.ends_with(line), "{}", replaced.detail);
    }
}

#[test]
fn letters_of_latin_1_that_happen_to_be_utf_8_are_not_taken_for_it() {
    // É and » make a ɻ together.
    let profile = Bench::new().profile("a.csv", b"a\n\xabT\xc9\xbb\n\xe9t\xe9\n");
    let expected = ["«TÉ»", "été"].map(|text| (text.into(), 1));
    assert_eq!(top(column(&profile, "a")), expected);
}

#[test]
fn ragged_rows_are_read_and_reported_with_their_lines() {
    let profile = Bench::new().profile(
        "a.csv",
        "a,b,c\n1,2,3\n4,\"5\n\"\n6,7,8,9\n10,11,12,\n\n13,14,15\n",
    );
    assert_eq!(
        (profile.dataset.rows, profile.dataset.missing_cells),
        (5, 1)
    );
    let ragged = warning(&profile, "ragged_rows");
    assert_eq!(ragged.count, 2);
    assert!(
        ragged.detail.contains("3 (2 cells), 5 (4 cells)"),
        "{}",
        ragged.detail
    );
    assert_eq!(column(&profile, "c").kind, ColumnType::Integer);
}

#[test]
fn a_file_that_is_mostly_ragged_is_refused_with_the_first_place() {
    let csv = ["a,b,c\n1,2,3\n".to_owned(), "1,2\n".repeat(150)].concat();
    let failure = Bench::new().failure("a.csv", csv);
    assert!(
        failure.ends_with(
            "line 3: expected 3 fields (from the header), found 2; 150 of 151 rows differ"
        ),
        "{failure}"
    );
}

#[test]
fn a_few_rows_of_another_width_are_no_proof_that_the_header_is_wrong() {
    for (rows, differ) in [(2, 2), (4, 3), (300, 140)] {
        let even = "1,2,3\n".repeat(rows - differ);
        let csv = ["a,b,c\n", &even, &"1,2\n".repeat(differ)].concat();
        let profile = Bench::new().profile("a.csv", csv);
        let ragged = warning(&profile, "ragged_rows");
        assert_eq!(ragged.count, differ as u64);
        let read = &profile.read.warnings;
        assert_eq!(read[0].line, Some(2 + (rows - differ) as u64));
    }
}

#[test]
fn a_quote_that_is_never_closed_is_named_with_its_line_and_column() {
    let failure = Bench::new().failure("a.csv", "a,b\n1,\"x\ny\"\n2,3\n4,\"never\n5,6\n");
    assert!(
        failure.contains("on line 5, column 2: a quote is opened"),
        "{failure}"
    );
}

#[test]
fn a_record_beyond_the_limit_is_refused_without_reading_on() {
    let bench = Bench::with(0, 32 << 20);
    let csv = ["a,b\n1,\"".to_owned(), "x\n".repeat(4 << 20)].concat();
    let failure = bench.failure("a.csv", csv);
    assert!(
        failure.starts_with("record_too_large: the record that begins on line 2"),
        "{failure}"
    );
}

#[test]
fn headers_are_made_unique_and_reported() {
    let profile = Bench::new().profile("a.csv", "a,a,,b\n1,2,3,4\n");
    let names: Vec<_> = profile
        .columns
        .iter()
        .map(|column| column.name.as_str())
        .collect();
    assert_eq!(names, ["a", "a.1", "Unnamed: 2", "b"]);
    assert_eq!(warning(&profile, "duplicate_header").count, 1);
    assert_eq!(warning(&profile, "empty_header").count, 1);
}

#[test]
fn comments_are_passed_over_when_asked_for() {
    let read = ReadOptions {
        comment: Some('#'),
        ..ReadOptions::default()
    };
    let csv = "# it's \"odd\na,b\n1,2\n#3,4\n\"#5\",6\n";
    let profile = Bench::new().profile_reading("a.csv", csv, read);
    assert_eq!(profile.dataset.rows, 2);
    assert_eq!(
        top(column(&profile, "a")),
        [("#5".into(), 1), ("1".into(), 1)]
    );
}

#[test]
fn lines_of_blanks_are_passed_over_as_pandas_does() {
    let text = "  \na,b\n1,2\n   \n\t\r\n3,4\n \t ";
    for comment in [None, Some('#')] {
        let read = ReadOptions {
            comment,
            ..ReadOptions::default()
        };
        let profile = Bench::new().profile_reading("a.csv", text, read);
        assert_eq!(profile.dataset.rows, 2);
        assert_eq!(types(&profile), [ColumnType::Integer; 2]);
        assert!(profile.warnings.is_empty());
    }
    let profile = Bench::new().profile("a.csv", "a\n1\n  \n\"  \"\n");
    let expected = ["  ", "1"].map(|text| (text.into(), 1));
    assert_eq!(top(column(&profile, "a")), expected);
    // Where blanks delimit, they make cells.
    let profile = Bench::new().profile("a.tsv", "a\tb\n1\t2\n\t\n");
    assert_eq!(
        (profile.dataset.rows, column(&profile, "a").missing),
        (2, 1)
    );
}

#[test]
fn line_ends_of_all_systems_are_read_alike() {
    let unix = Bench::new().profile("a.csv", "a,b\n1,x\n2,y\n");
    for csv in [
        "a,b\r\n1,x\r\n2,y\r\n",
        "a,b\r1,x\r2,y\r",
        "\n\na,b\n\n1,x\n\n2,y",
        "a,b\n1,x\n2,y",
    ] {
        let mut profile = Bench::new().profile("a.csv", csv);
        profile.dataset.bytes = unix.dataset.bytes;
        // That there are no line feeds is said.
        profile.read = unix.read.clone();
        profile.warnings.clear();
        assert_eq!(profile, unix, "{csv:?}");
    }
}

#[test]
fn no_bytes_no_rows_and_one_row_are_profiles_too() {
    let empty = Bench::new().profile("a.csv", "");
    assert_eq!((empty.dataset.rows, empty.dataset.columns), (0, 0));
    let header = Bench::new().profile("a.csv", "a,b\n");
    assert_eq!((header.dataset.rows, header.dataset.columns), (0, 2));
    assert_eq!(types(&header), [ColumnType::String, ColumnType::String]);
    let one = Bench::new().profile("a.csv", "n,w\n3,x\n");
    let n = column(&one, "n").numeric.clone().unwrap();
    assert_eq!((n.mean, n.std, n.skewness), (Some(3.0), None, None));
    assert_eq!(
        (n.quantiles.p01, n.quantiles.p99),
        (Some(Number::Integer(3)), Some(Number::Integer(3)))
    );
    assert_eq!(n.histogram.counts, [1]);
}

#[test]
fn repeated_rows_are_counted_by_value_and_not_by_spelling() {
    let profile = Bench::new().profile("a.csv", "a,b\n1.0,NA\n1.00,\n1,x\n1e0,x\n-0.0,y\n0.0,y\n");
    assert_eq!(profile.dataset.duplicate_rows, 3);
    assert_eq!(alerts(&profile, None), ["duplicates"]);
}
