//! Reports on answers of many megabytes: in little memory, and nobody waits for them.

use std::time::Instant;

use serde_json::{Value, json};

use crate::support::{Client, Home, data, process, until};

const MIB: u64 = 1 << 20;
/// Rows of an answer of about 10 MiB.
const ROWS: usize = 20_000;
const LARGE: &str = "select x, repeat('lorem ipsum ', 40) as text from numbers";

/// The id of a query with a large answer that has succeeded.
#[track_caller]
fn large_answer(client: &Client, session: &str) -> String {
    client.upload(session, "numbers", &data::numbers(ROWS));
    let query = client.sql(session, LARGE);
    client.succeeded(&query);
    query
}

#[test]
fn a_small_report_does_not_wait_for_eight_large_ones() {
    let home = Home::new();
    let service = home.service().set("report.workers", "9").start();
    let client = service.client();
    let session = client.session_with_birds();
    let answer = large_answer(&client, &session);
    let small = json!({ "dataset": "birds", "format": "md" });
    client.result(&client.report(&session, &small));

    let begun = Instant::now();
    let large = json!({ "analysis": answer, "format": "html" });
    let larges: Vec<_> = (0..8).map(|_| client.report(&session, &large)).collect();
    until("many of them run", || {
        let busy = client.service("ReportService")["busy"].as_u64();
        (busy >= Some(4)).then_some(())
    });
    let asked = Instant::now();
    let id = client.report(&session, &small);
    client.succeeded(&id);
    let small = asked.elapsed();
    for id in &larges {
        client.succeeded(id);
    }
    let all = begun.elapsed();
    assert!(small * 3 < all, "{small:?} beside {all:?}");
    assert_eq!(client.service("ReportService")["restarts"], 0);
    service.stop();
}

#[test]
fn workbooks_of_large_answers_are_made_row_by_row() {
    let home = Home::new();
    let service = home.service().set("report.workers", "4").start();
    let client = service.client();
    let session = client.session();
    let answer = large_answer(&client, &session);
    let before = process::peak_resident(service.pid());
    let workbook = json!({ "analysis": answer, "format": "xlsx" });
    let workbooks: Vec<_> = (0..4).map(|_| client.report(&session, &workbook)).collect();
    for id in &workbooks {
        let bytes = client.result(id).body;
        assert!(bytes.starts_with(b"PK\x03\x04"));
    }
    let risen = process::peak_resident(service.pid()).saturating_sub(before);
    assert!(risen < 64 * MIB, "{} MiB more", risen / MIB);
    service.stop();
    assert_eq!(home.scratch(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_report_that_needs_more_memory_than_an_analysis_may_have_fails() {
    let home = Home::new();
    let service = home.service().set("analysis.memory", "64MiB").start();
    let client = service.client();
    let session = client.session();
    let answer = large_answer(&client, &session);
    let page = json!({ "analysis": answer, "format": "html" });
    let failed: Value = client.wait_for(&client.report(&session, &page), "failed");
    assert_eq!(failed["error"]["code"], "resource_exhausted", "{failed:#}");
    // A workbook holds one row at a time.
    let workbook = json!({ "analysis": answer, "format": "xlsx" });
    client.succeeded(&client.report(&session, &workbook));
    service.stop();
}
