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
