//! The characters that delimit cells.

use lastcall_domain::{Mark, ProfileOptions, ReadOptions};

use crate::sniffing::{check, columns};
use crate::support::Bench;

#[test]
fn rarer_delimiters_are_found_where_a_table_shows_them() {
    check(&[
        ("a.csv", b"a^b\n1^x\n2^y\n", "a:integer b:string", 2, ""),
        ("a.csv", b"a~b\n1~x\n2~y\n", "a:integer b:string", 2, ""),
        (
            "a.csv",
            b"a\x1fb\n1\x1fx\n2\x1fy\n",
            "a:integer b:string",
            2,
            "",
        ),
        (
            "a.csv",
            b"a b c\n1 x 2.5\n2 y 3.5\n",
            "a:integer b:string c:float",
            2,
            "",
        ),
        ("a.csv", b"path\n~/a~b\n~/c~d\n", "path:string", 2, ""),
        // Words are no columns.
        (
            "a.csv",
            b"full name\nAnn Lee\nBob Ray\n",
            "full name:string",
            2,
            "",
        ),
        (
            "a.csv",
            b"date time\n2024-01-01 10:00\n2024-01-02 11:00\n",
            "date time:timestamp",
            2,
            "",
        ),
        ("a.csv", b"room\nRoom 101\nRoom 102\n", "room:string", 2, ""),
    ]);
}

#[test]
fn a_comma_in_the_only_column_is_the_decimal_mark() {
    check(&[
        (
            "a.csv",
            b"betrag\n1,5\n-2,25\n1.234,75\n",
            "betrag:float",
            3,
            "decimal_comma thousands_marks",
        ),
        (
            "a.csv",
            b"p\n1 234,50\n99,00\n12 345,67\n",
            "p:float",
            3,
            "decimal_comma thousands_marks",
        ),
        ("a.csv", b"a,b\n1,5\n2,5\n", "a:integer b:integer", 2, ""),
        (
            "a.csv",
            "Preis in Euro\n1,50 €\n2,00 €\n3,25 €\n".as_bytes(),
            "Preis in Euro:float",
            3,
            "decimal_comma currencies",
        ),
        ("a.csv", b"x\n1,5\n2\n3,5\n", "x:float", 3, "decimal_comma"),
        (
            "a.csv",
            b"n\n1,234,567\n2,345,678\n",
            "n:integer",
            2,
            "thousands_marks",
        ),
        // Several words above whole numbers: these are two columns.
        (
            "a.csv",
            b"Points of a line\n1,15\n2,7\n3,9\n",
            "Unnamed: 0:integer Points of a line:integer",
            3,
            "row_names empty_header",
        ),
    ]);
}

#[test]
fn decimal_commas_in_titles_and_totals_do_not_make_commas_the_delimiter() {
    let rows = |quote: &str, count: usize| -> String {
        let row = |at: usize| format!("{quote}K{at}{quote};01.01.2024;{at},50\n");
        (0..count).map(row).collect()
    };
    let quoted = rows("\"", 40);
    let statement =
        format!("Konto;DE12\nSaldo;1.234,56 EUR\n\nName;Datum;Betrag\n{quoted}\nSumme;820,50\n");
    let short = format!(
        "Saldo;1.234,56 EUR\nName;Datum;Betrag\n{}Summe;7,50\n",
        rows("", 8)
    );
    let export = "# Export of x, version 1.2; all rights reserved\n# user: a;b,c\n\
                  Name;Datum;Menge;Betrag;Notiz\nAnna;01.01.2024;2;6575,61;ok\n\
                  Bob;02.02.2024;25;-2497,65;ok\nZoe;03.03.2024;2;7029,85;no\n\
                  Max;04.04.2024;17;4514,72;no\n";
    check(&[
        (
            "a.csv",
            statement.as_bytes(),
            "Name:string Datum:date Betrag:float",
            40,
            "skipped_lines footer decimal_comma day_first_dates",
        ),
        (
            "a.csv",
            short.as_bytes(),
            "Name:string Datum:date Betrag:float",
            8,
            "skipped_lines footer decimal_comma day_first_dates",
        ),
        (
            "a.csv",
            export.as_bytes(),
            "Name:string Datum:date Menge:integer Betrag:float Notiz:string",
            4,
            "skipped_lines decimal_comma day_first_dates",
        ),
        // Names between commas: these delimit.
        (
            "a.csv",
            b"id,list\n1,2;3;4;5\n2,3;4;5;6\n3,4;5;6;7\n",
            "id:integer list:string",
            3,
            "",
        ),
    ]);
}

#[test]
fn a_header_between_blanks_may_lack_the_name_of_the_row_names() {
    check(&[
        (
            "a.csv",
            b"\"mpg\" \"cyl\" \"disp\"\n\"Mazda RX4\" 21 6 160\n\"Datsun 710\" 22.8 4 108\n\
              \"Hornet 4\" 21.4 6 258",
            "Unnamed: 0:string mpg:float cyl:integer disp:integer",
            3,
            "row_names empty_header",
        ),
        (
            "a.csv",
            b"mpg cyl disp\nMazda 21 6 160\nDatsun 22.8 4 108\n",
            "Unnamed: 0:string mpg:float cyl:integer disp:integer",
            2,
            "row_names empty_header",
        ),
        // One line is no table.
        ("a.csv", b"to do\nbuy 2 3\n", "to do:string", 1, ""),
        // Without names of rows, no value may be without a column.
        (
            "a.csv",
            b"Total 2020\nA 1 2\nB 3 4\n",
            "Total 2020:string",
            2,
            "",
        ),
        (
            "a.csv",
            b"Sensor reading\nA 1 5\nA 2 6\n",
            "Sensor reading:string",
            2,
            "",
        ),
    ]);
}

#[test]
fn a_quote_that_is_given_is_no_delimiter() {
    let options = ProfileOptions {
        read: ReadOptions {
            quote: Some(Mark::Char(';')),
            ..ReadOptions::default()
        },
        ..ProfileOptions::default()
    };
    let bytes = "a;b;c\n1;2;3\n";
    let profile = Bench::new().try_profile("a.csv", bytes, &options).unwrap();
    assert_eq!(columns(&profile), "a;b;c:string");
}
