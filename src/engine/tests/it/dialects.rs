//! Realistic delimiters and quotes.

use lastcall_domain::{Mark, ProfileOptions, ReadOptions};
use proptest::prelude::*;

use crate::sniffing::{check, codes, columns};
use crate::support::{Bench, column, top};

#[test]
fn quotes_that_do_not_pair_are_characters() {
    check(&[
        (
            "a.tsv",
            b"id\tname\tv\n1\t\"Gamma\t5\n2\tDelta\t6\n3\tend\"\t7\n4\tx\t8\n",
            "id:integer name:string v:integer",
            4,
            "stray_quotes",
        ),
        (
            "a.tsv",
            b"id\tname\n1\t\"a \"\"b\"\"\tc\"\n2\td\n",
            "id:integer name:string",
            2,
            "",
        ),
        (
            "a.tsv",
            b"id\tname\tv\n1\t\"two\nlines\"\t5\n2\tx\t6\n",
            "id:integer name:string v:integer",
            2,
            "",
        ),
        (
            "a.csv",
            b"id,name,v\n1,\"Gamma,5\n2,Delta,6\n",
            "id:integer name:string v:integer",
            2,
            "stray_quotes",
        ),
        (
            "a.csv",
            b"id,name,v\n1,\"5\" disk\",3\n2,\"x\",4\n",
            "id:integer name:string v:integer",
            2,
            "stray_quotes",
        ),
        (
            "a.csv",
            b"id,name,v\n1,\"say \\\"hi\\\", you\",5\n2,\"b\",6\n",
            "id:integer name:string v:integer",
            2,
            "backslash_escapes",
        ),
        (
            "a.csv",
            b"id,path\n1,\"C:\\temp\\\"\n2,\"b\"\n",
            "id:integer path:string",
            2,
            "",
        ),
    ]);
}

#[test]
fn backslashes_before_delimiters_are_escapes_where_the_rows_show_it() {
    check(&[
        (
            "a.csv",
            b"id,t,u\n1,a\\,b,c\n2,d\\,x,e\n3,f\\,g,h\n",
            "id:integer t:string u:string",
            3,
            "backslash_escapes",
        ),
        (
            "a.csv",
            b"id,t\n1,plain\n2,a\\,b\n3,more\n",
            "id:integer t:string",
            3,
            "backslash_escapes",
        ),
        // Paths that end with a backslash leave the rows even.
        (
            "a.csv",
            b"id,path,n\n1,C:\\temp\\,5\n2,D:\\x\\,6\n",
            "id:integer path:string n:integer",
            2,
            "",
        ),
    ]);
    let csv = "id,t,u\n1,a\\,b,c\n2,d\\,x,e\n";
    let profile = Bench::new().profile("a.csv", csv);
    let texts = ["a,b", "d,x"].map(|text| (text.into(), 1));
    assert_eq!(top(column(&profile, "t")), texts);
}

#[test]
fn single_quotes_and_quotes_behind_blanks_are_quotes_where_a_table_shows_it() {
    check(&[
        (
            "a.csv",
            b"name,qty\n'Smith, John',3\n'Doe, Jane',4\n",
            "name:string qty:integer",
            2,
            "single_quotes",
        ),
        (
            "a.csv",
            b"name;qty\n'a;b';3\n'c;d';4\n",
            "name:string qty:integer",
            2,
            "single_quotes",
        ),
        (
            "a.csv",
            b"id,txt\n1,'it''s, ok'\n2,'b'\n3,'c, d'\n",
            "id:integer txt:string",
            3,
            "single_quotes",
        ),
        (
            "a.csv",
            b"id,n\n1,'7'\n2,'8'\n",
            "id:integer n:integer",
            2,
            "single_quotes",
        ),
        (
            "a.csv",
            b"name,qty\nO'Neil,3\n'tis,4\nrock 'n' roll,5\n",
            "name:string qty:integer",
            3,
            "",
        ),
        (
            "a.csv",
            b"a, b, c\n1, \"x, y\", 3\n2, \"z\nw\", 4\n",
            "a:integer b:string c:integer",
            2,
            "spaced_quotes",
        ),
        (
            "a.csv",
            b"a;b\n\"x; y\";1\n \"z; w\";2\n",
            "a:string b:integer",
            2,
            "spaced_quotes",
        ),
        (
            "a.csv",
            b"a,b\n1, say \"x\"\n2, \"y\" she said\n",
            "a:integer b:string",
            2,
            "",
        ),
    ]);
}

#[test]
fn a_quote_that_is_given_is_the_only_one() {
    let options = ProfileOptions {
        read: ReadOptions {
            quote: Some(Mark::Char('"')),
            ..ReadOptions::default()
        },
        ..ProfileOptions::default()
    };
    for bytes in ["id,n\n1,'7'\n2,'8'\n", "id,n\n1, \"7\"\n2, \"8\"\n"] {
        let profile = Bench::new().try_profile("a.csv", bytes, &options).unwrap();
        assert_eq!(columns(&profile), "id:integer n:string");
        assert_eq!(codes(&profile), "");
    }
}

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
fn totals_below_numbers_are_a_footer() {
    check(&[
        (
            "a.csv",
            b"id,amount\n1,10\n2,20\nTotal,30\n",
            "id:integer amount:integer",
            2,
            "footer",
        ),
        (
            "a.csv",
            b"id;betrag\n1;1,5\n2;2,5\nSumme;4,0\n",
            "id:integer betrag:float",
            2,
            "footer decimal_comma",
        ),
        (
            "a.csv",
            b"id,amount\n1,10\n2,20\n---,---\nTotal,30\n",
            "id:integer amount:integer",
            2,
            "footer",
        ),
        // Among words it may be one of them.
        (
            "a.csv",
            b"item,amount\na,10\nb,20\nTotal,30\n",
            "item:string amount:integer",
            3,
            "",
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

/// Cells as programs write them, of one kind for each column, and cells that stand in quotes.
fn clean_cell(kind: u8) -> BoxedStrategy<String> {
    match kind {
        0 => "[0-9]{1,6}".boxed(),
        1 => "-?[0-9]{1,3}\\.[0-9]{1,4}".boxed(),
        2 => "20[0-2][0-9]-0[1-9]-[12][0-9]".boxed(),
        3 => prop_oneof![Just("true".to_owned()), Just("false".to_owned())].boxed(),
        4 => "[a-z][a-z ;|-]{0,12}".boxed(),
        _ => "[a-z][a-z,;\t\n\r' -]{0,12}"
            .prop_map(|text| format!("\"{text} \"\"\""))
            .boxed(),
    }
}

/// A file by RFC 4180 whose header is words.
fn clean_file() -> impl Strategy<Value = String> {
    let columns = proptest::collection::vec(0..6u8, 2..6);
    let file = (columns, 1..30usize, prop_oneof![Just("\n"), Just("\r\n")]);
    file.prop_flat_map(|(kinds, rows, end)| {
        let row: Vec<_> = kinds.iter().map(|&kind| clean_cell(kind)).collect();
        let rows = proptest::collection::vec(row, rows);
        let header: Vec<String> = (0..kinds.len()).map(|at| format!("name of {at}")).collect();
        rows.prop_map(move |rows| {
            let lines = std::iter::once(&header).chain(&rows);
            lines.map(|cells| cells.join(",") + end).collect()
        })
    })
}

#[test]
fn titles_of_two_cells_that_are_as_wide_as_the_table_are_left_out() {
    check(&[
        (
            "a.csv",
            b"Report,,\nGenerated,2024-01-01,\n,,\nregion,sales,costs\nNorth,10,5\nSouth,20,8\n",
            "region:string sales:integer costs:integer",
            2,
            "skipped_lines",
        ),
        // A header with a column that has no name.
        (
            "a.csv",
            b"id,name,\n1,Ada,x\n2,Bob,y\n3,Cy,z\n",
            "id:integer name:string Unnamed: 2:string",
            3,
            "empty_header",
        ),
    ]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_clean_file_is_read_as_it_stands(text in clean_file()) {
        let bench = Bench::new();
        let found = bench.profile("a.csv", &text);
        let read = ReadOptions {
            header: Some(true),
            delimiter: Some(','),
            quote: Some(Mark::Char('"')),
            escape: Some(Mark::Off),
            skip_rows: Some(0),
            decimal: Some('.'),
            encoding: Some("utf-8".into()),
            ..ReadOptions::default()
        };
        let given = bench.profile_reading("a.csv", &text, read);
        prop_assert_eq!(codes(&found), "");
        prop_assert_eq!(found.columns, given.columns);
        prop_assert_eq!(found.dataset, given.dataset);
    }
}
