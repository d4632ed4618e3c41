//! The option `columns`.

use lastcall_domain::{ProfileOptions, ReadOptions};

use crate::support::Bench;

#[test]
fn columns_that_do_not_exist_are_refused_by_name() {
    let read = ReadOptions {
        columns: Some(vec!["b".into(), "z".into()]),
        ..ReadOptions::default()
    };
    let options = ProfileOptions {
        read,
        ..ProfileOptions::default()
    };
    let error = Bench::new()
        .try_profile("a.csv", "a,b\n1,2\n", &options)
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("`columns` is not valid: there is no `z`"),
        "{error}"
    );
}

#[test]
fn duplicates_are_those_of_the_columns_that_are_kept() {
    let read = ReadOptions {
        columns: Some(vec!["b".into()]),
        ..ReadOptions::default()
    };
    let profile = Bench::new().profile_reading("a.csv", "a,b\n1,x\n2,x\n3,y\n", read);
    assert_eq!(profile.dataset.duplicate_rows, 1);
}
