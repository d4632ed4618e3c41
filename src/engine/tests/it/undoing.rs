//! The option in a warning reverts the decision of the reader.

use lastcall_domain::profile::Profile;
use lastcall_domain::{DateOrder, Mark, ReadOptions};

use crate::sniffing::columns;
use crate::support::Bench;

fn reading(bytes: &str, read: ReadOptions) -> Profile {
    Bench::new().profile_reading("a.csv", bytes, read)
}

#[test]
fn every_decision_is_reverted_by_the_option_in_its_warning() {
    let none = ReadOptions::default();
    for (bytes, read, expected, rows) in [
        (
            "Title\na,b\n1,2\n3,4\n",
            ReadOptions {
                skip_rows: Some(0),
                ..none.clone()
            },
            "Title:string",
            3,
        ),
        (
            "1,x\n2,y\n3,z\n",
            ReadOptions {
                header: Some(true),
                ..none.clone()
            },
            "1:integer x:string",
            2,
        ),
        (
            "a,b\nx,y\n",
            ReadOptions {
                header: Some(false),
                ..none.clone()
            },
            "column_1:string column_2:string",
            2,
        ),
        (
            "a;b\n1,5;2,5\n",
            ReadOptions {
                decimal: Some('.'),
                ..none.clone()
            },
            "a:string b:string",
            1,
        ),
        (
            "a,b\n12%,$5\n",
            ReadOptions {
                decimal: Some('.'),
                ..none.clone()
            },
            "a:string b:string",
            1,
        ),
        (
            "a,b\n31/01/2024,1\n",
            ReadOptions {
                date_order: Some(DateOrder::Mdy),
                ..none.clone()
            },
            "a:string b:integer",
            1,
        ),
        (
            "a,b\n01/02/2024,1\n",
            ReadOptions {
                date_order: Some(DateOrder::Mdy),
                ..none.clone()
            },
            "a:date b:integer",
            1,
        ),
        (
            "a,b\n01/02/24,1\n",
            ReadOptions {
                date_order: Some(DateOrder::Dmy),
                ..none.clone()
            },
            "a:date b:integer",
            1,
        ),
        (
            "a,b\n\"1,234\",1\n",
            ReadOptions {
                thousands: Some(','),
                ..none.clone()
            },
            "a:integer b:integer",
            1,
        ),
        (
            "a,b\n1,\"x\n2,y\n",
            ReadOptions {
                quote: Some(Mark::Off),
                ..none.clone()
            },
            "a:integer b:string",
            2,
        ),
        (
            "a,b\n1,'x,y'\n",
            ReadOptions {
                quote: Some(Mark::Char('\'')),
                ..none.clone()
            },
            "a:integer b:string",
            1,
        ),
        (
            "a,b\n1,x\\,y\n",
            ReadOptions {
                escape: Some(Mark::Char('\\')),
                ..none.clone()
            },
            "a:integer b:string",
            1,
        ),
        (
            "x\ny\na,b\n1,2\n",
            ReadOptions {
                skip_rows: Some(2),
                ..none.clone()
            },
            "a:integer b:integer",
            1,
        ),
        (
            "a,b,c\n1,2,3\n",
            ReadOptions {
                columns: Some(vec!["c".into(), "a".into()]),
                ..none.clone()
            },
            "a:integer c:integer",
            1,
        ),
    ] {
        let profile = reading(bytes, read);
        assert_eq!(columns(&profile), expected, "{bytes:?}");
        assert_eq!(profile.dataset.rows, rows, "{bytes:?}");
    }
}
