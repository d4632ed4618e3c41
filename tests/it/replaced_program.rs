//! A deploy by copy or by package replaces the file of a program that runs.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use crate::support::{Client, Home};

/// Queries after the change: the first of them may still get the spare process of before.
const QUERIES: u64 = 4;

/// A copy of the program that a test may do away with.
fn copy(home: &Home) -> PathBuf {
    let copy = home.path().join("program");
    fs::copy(env!("CARGO_BIN_EXE_lastcall"), &copy).unwrap();
    copy
}

#[track_caller]
fn everything_runs(client: &Client) {
    let session = client.session_with_birds();
    for number in 0..QUERIES {
        let query = client.sql(
            &session,
            &format!("select {number} as n from birds limit 1"),
        );
        assert_eq!(client.result(&query).json()["rows"], json!([[number]]));
    }
    let report = json!({ "dataset": "birds", "format": "pdf" });
    let report = client.report(&session, &report);
    assert!(client.result(&report).body.starts_with(b"%PDF"));
}

#[test]
fn a_service_whose_program_was_replaced_by_another_version_runs_all_that_it_accepts() {
    let home = Home::new();
    let program = copy(&home);
    let service = home.service().program(&program).start();
    // As a package manager does it: a new file takes the name.
    let new = home.path().join("program.new");
    fs::copy("/bin/false", &new).unwrap();
    fs::rename(&new, &program).unwrap();
    everything_runs(&service.client());
    service.stop();
}

#[test]
fn a_service_whose_program_was_removed_runs_all_that_it_accepts() {
    let home = Home::new();
    let program = copy(&home);
    let service = home.service().program(&program).start();
    fs::remove_file(&program).unwrap();
    everything_runs(&service.client());
    service.stop();
}
