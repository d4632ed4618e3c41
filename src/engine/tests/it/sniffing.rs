//! Realistic text files: what is detected and reported.
//!
//! Each case is a file, the columns that it has, how many rows, and the warnings.

use lastcall_domain::profile::Profile;
use lastcall_domain::{DateOrder, ProfileOptions, ReadWarning};

use crate::support::{Bench, column, top};

/// The file's name and bytes, its columns and their types, its rows, its warnings.
pub(crate) type Case<'c> = (&'c str, &'c [u8], &'c str, u64, &'c str);

pub(crate) fn columns(profile: &Profile) -> String {
    let columns = profile.columns.iter();
    let columns = columns.map(|column| format!("{}:{}", column.name, column.kind.as_str()));
    columns.collect::<Vec<_>>().join(" ")
}

pub(crate) fn codes(profile: &Profile) -> String {
    let warnings = profile.read.warnings.iter();
    let codes = warnings.map(|warning| warning.code.as_str());
    codes.collect::<Vec<_>>().join(" ")
}

pub(crate) fn check(cases: &[Case<'_>]) {
    for (name, bytes, expected, rows, warnings) in cases {
        let shown = String::from_utf8_lossy(bytes);
        let profile = Bench::new()
            .try_profile(name, bytes, &ProfileOptions::default())
            .unwrap_or_else(|error| panic!("{shown}: {error}"));
        assert_eq!(columns(&profile), *expected, "{shown}");
        assert_eq!(profile.dataset.rows, *rows, "{shown}");
        assert_eq!(codes(&profile), *warnings, "{shown}");
        let known = |code: &str| ReadWarning::CODES.contains(&code);
        assert!(codes(&profile).split_whitespace().all(known), "{shown}");
    }
}

#[test]
fn tables_are_found_where_they_begin_and_end() {
    check(&[
        ("a.csv", b"Quarterly report\nGenerated 2024-04-01\n\nregion,sales,costs\nNorth,10,5\nSouth,20,8\nEast,7,3\n",
            "region:string sales:integer costs:integer", 3, "skipped_lines"),
        ("a.csv", b"Staff list\nname,city\nAda,Berlin\nBob,Paris\nCy,Rome\n",
            "name:string city:string", 3, "skipped_lines"),
        ("a.csv", b"\"Sales, all\",,\n,,\nregion,sales,costs\nNorth,10,5\nSouth,20,8\n",
            "region:string sales:integer costs:integer", 2, "skipped_lines"),
        ("a.csv", b"Report;2024\r\n\r\nid;name;v\r\n1;Ada;3\r\n2;Bob;4\r\n3;Cy;5\r\nTotal;12\r\n",
            "id:integer name:string v:integer", 3, "skipped_lines footer"),
        ("a.csv", b"sep=;\nid;name;score\n1;Ada;3,5\n2;Bob;4,5\n",
            "id:integer name:string score:float", 2, "sep_line decimal_comma"),
        ("a.csv", b"\"sep=|\"\r\na|b\r\n1|2\r\n", "a:integer b:integer", 1, "sep_line"),
        ("a.csv", b"a,b\nr1,1.5,2\nr2,2.5,3\nr3,3.5,4\n",
            "Unnamed: 0:string a:float b:integer", 3, "row_names empty_header"),
        ("a.csv", b"a,b\n1,2,\n3,4,\n", "a:integer b:integer", 2, ""),
        ("a.csv", b"1,Ada,3.5\n2,Bob,4.5\n3,Cy,5.5\n",
            "column_1:integer column_2:string column_3:float", 3, "no_header"),
        ("a.csv", b"2024-01-01,5\n2024-01-02,6\n2024-01-03,7\n",
            "column_1:date column_2:integer", 3, "no_header"),
        ("a.csv", b"country,2019,2020\nFR,1.5,2\nDE,2.5,3\nIT,1,2\n",
            "country:string 2019:float 2020:integer", 3, ""),
        ("a.csv", b"2019,2020,2021\n1990,2050,1999\n2001,2002,2003\n",
            "2019:integer 2020:integer 2021:integer", 2, "doubtful_header"),
        ("a.csv", b"400.5,401.0,401.5\n0.1,500.2,0.3\n700.4,0.5,800.5\n0.2,0.2,0.2\n",
            "400.5:float 401.0:float 401.5:float", 3, "doubtful_header"),
        ("a.csv", b"1,2\n3,4\n5,6\n", "1:integer 2:integer", 2, "doubtful_header"),
        ("a.csv", b"Anna,2.5,2024-01-01\nBob,3.5,2024-01-02\n",
            "Anna:string 2.5:float 2024-01-01:date", 1, "doubtful_header"),
        ("a.csv", b"1,2.5,2024-01-01\n", "1:string 2.5:string 2024-01-01:string", 0, "doubtful_header"),
        ("a.csv", b"sample,400.5,401.0,401.5\ns1,0.1,500.2,0.3\n",
            "sample:string 400.5:float 401.0:float 401.5:float", 1, ""),
        ("a.csv", b"amount,day\n5,2024-01-01\n", "amount:integer day:date", 1, ""),
        ("a.csv", b"a,b\n1,x\n2,y\n\nSource: somewhere\nand else\n", "a:integer b:string", 2, "footer"),
        ("a.csv", b"a,b,c\nx,1,2\ny,3,4\nTotal,4\n", "a:string b:integer c:integer", 2, "footer"),
        ("a.csv", b"a,b,c\n1,1,2\n2,3,4\nsee the notes,,\n", "a:integer b:integer c:integer", 2, "footer"),
        ("a.csv", b"# made by x, y\n# and z\na,b\n1,2\n3,4\n", "a:integer b:integer", 2, "skipped_lines"),
        ("a.csv", b"a,b,\n1,2\n3,4\n5,6\n", "a:integer b:integer", 3, ""),
        ("a.csv", b"39, State-gov, 77516\n50, Private, 83311\n38, Private, 215646\n53, Local, 77000\n",
            "column_1:integer column_2:string column_3:integer", 4, "no_header"),
        ("a.csv", b"a,b,c\n1,1,2\n2,3,4\n3,5\n", "a:integer b:integer c:integer", 3, "ragged_rows"),
        ("a.csv", b"a,b\n1,2\n3,4\n\x1a", "a:integer b:integer", 2, "ctrl_z"),
        ("a.csv", b"a,b\r\n1,2\r\n3,4\r\n\x1a\r\n", "a:integer b:integer", 2, "ctrl_z"),
        ("a.csv", b"\xef\xbb\xbf\xef\xbb\xbfa,b\n1,2\n\xef\xbb\xbf3,4\n", "a:integer b:integer", 2, "inner_boms inner_boms"),
    ]);
}

#[test]
fn lines_end_as_their_writers_ended_them() {
    check(&[
        (
            "a.csv",
            b"id,note,v\r1,\"two\nlines\",5\r2,plain,6\r3,other,7\r",
            "id:integer note:string v:integer",
            3,
            "cr_line_ends",
        ),
        (
            "a.csv",
            b"a,b\r1,2\r3,4\n5,6\r7,8\n",
            "a:integer b:integer",
            4,
            "mixed_line_ends",
        ),
        (
            "a.csv",
            b"a,name\r\r\n1,x\r\r\n2,y\r\r\n",
            "a:integer name:string",
            2,
            "doubled_line_ends",
        ),
        (
            "a.csv",
            b"a,b\r\n1,\"x\ry\"\r\n2,z\r\n",
            "a:integer b:string",
            2,
            "",
        ),
        ("a.csv", b"a,b\n1,x\ry\n2,z\n", "a:integer b:string", 2, ""),
    ]);
}

#[test]
fn numbers_and_dates_are_read_where_there_is_no_doubt() {
    check(&[
        (
            "a.csv",
            "a;b\n1.234,50;x\n99,90;y\n".as_bytes(),
            "a:float b:string",
            2,
            "decimal_comma thousands_marks",
        ),
        (
            "a.csv",
            "a;b\n1\u{a0}234,5;x\n9\u{202f}999,0;y\n".as_bytes(),
            "a:float b:string",
            2,
            "decimal_comma thousands_marks",
        ),
        (
            "a.csv",
            "a;b\n1’234.50;x\n9.5;y\n".as_bytes(),
            "a:float b:string",
            2,
            "thousands_marks",
        ),
        (
            "a.csv",
            b"a,b\n\"1,234.50\",x\n9.5,y\n",
            "a:float b:string",
            2,
            "thousands_marks",
        ),
        (
            "a.csv",
            b"a,b\n\"1,234\",x\n\"5,678\",y\n",
            "a:string b:string",
            2,
            "ambiguous_numbers",
        ),
        (
            "a.csv",
            b"a,b\n\"1,234\",2.5\n\"5,678\",7.25\n",
            "a:integer b:float",
            2,
            "thousands_marks",
        ),
        (
            "a.csv",
            b"a,b\n12.5%,x\n3%,y\n",
            "a:float b:string",
            2,
            "percentages",
        ),
        (
            "a.csv",
            "a,b\n$5.00,€3\n($2.50),€4\n".as_bytes(),
            "a:float b:integer",
            2,
            "currencies odd_negatives",
        ),
        (
            "a.csv",
            b"a,b\n5-,x\n3,y\n",
            "a:integer b:string",
            2,
            "odd_negatives",
        ),
        (
            "a.csv",
            b"a,b\n31/01/2024,x\n01/02/2024,y\n",
            "a:date b:string",
            2,
            "day_first_dates",
        ),
        (
            "a.csv",
            b"a,b\n01/31/2024,x\n01/02/2024,y\n",
            "a:date b:string",
            2,
            "month_first_dates",
        ),
        (
            "a.csv",
            b"a,b\n01/02/2024,x\n03/04/2024,y\n",
            "a:string b:string",
            2,
            "ambiguous_dates",
        ),
        (
            "a.csv",
            b"a,b\n31.01.24,x\n01.02.99,y\n",
            "a:date b:string",
            2,
            "day_first_dates two_digit_years",
        ),
        (
            "a.csv",
            b"a,b\n01/02/24,x\n",
            "a:string b:string",
            1,
            "ambiguous_dates",
        ),
        (
            "a.csv",
            b"zip,n\n=\"00501\",1\n=\"10115\",2\n",
            "zip:string n:integer",
            2,
            "formula_texts",
        ),
        (
            "a.csv",
            b"id,phone\n1,+14155550101\n2,+442079460958\n",
            "id:integer phone:string",
            2,
            "",
        ),
        (
            "a.csv",
            b"id,delta\n1,+3\n2,-2\n",
            "id:integer delta:integer",
            2,
            "",
        ),
    ]);
    let profile = Bench::new().profile("a.csv", "zip\n=\"00501\"\n=\"10115\"\n");
    assert_eq!(
        top(column(&profile, "zip")),
        [("00501".into(), 1), ("10115".into(), 1)]
    );
    let profile = Bench::new().profile("a.csv", "a;b\n(1.234,5);x\n99,5;y\n");
    let numbers = column(&profile, "a").numeric.as_ref().unwrap();
    assert_eq!(numbers.mean, Some(-567.5));
    assert_eq!(
        (profile.read.decimal.as_deref(), numbers.negatives),
        (Some(","), 1)
    );
}

#[test]
fn the_report_has_the_decision_of_each_step() {
    let profile = Bench::new().profile("a.csv", "a;b\n1;2024-01-31\n2;2024-02-01\n");
    let read = &profile.read;
    assert_eq!(read.encoding.as_deref(), Some("UTF-8"));
    assert_eq!(
        (read.delimiter.as_deref(), read.quote.as_deref()),
        (Some(";"), Some("\""))
    );
    assert_eq!((read.header, read.skipped_lines), (Some(true), 0));
    assert_eq!(read.date_order, Some(DateOrder::Ymd));
    assert!(read.warnings.is_empty());
    let steps: Vec<&str> = read.steps.iter().map(|step| step.step.as_str()).collect();
    assert_eq!(steps[..4], ["encoding", "dialect", "header", "types"]);
}

#[test]
fn titles_and_footers_are_found_however_long_the_table_is() {
    let mut csv = String::from("Report\n\nid,name,v\n");
    for row in 0..200_000 {
        csv.push_str(&format!("{row},name {row},{}.5\n", row % 100));
    }
    csv.push_str("\nSource: the office\n(200000 rows)\n");
    for threads in [0, 3] {
        let profile = Bench::with(threads, 1 << 30).profile("a.csv", &csv);
        assert_eq!(profile.dataset.rows, 200_000);
        assert_eq!(columns(&profile), "id:integer name:string v:float");
        assert_eq!(codes(&profile), "skipped_lines footer");
        let footer = &profile.read.warnings[1];
        assert_eq!((footer.line, footer.count), (Some(200_005), 2));
    }
}

#[test]
fn every_warning_is_described() {
    let docs = include_str!("../../../../docs/analyses.md");
    let table = docs.split("### Warnings").nth(1).unwrap();
    let table = table.split("\n### ").next().unwrap();
    let codes = table
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let described: Vec<&str> = codes.collect();
    assert_eq!(described, ReadWarning::CODES);
}
