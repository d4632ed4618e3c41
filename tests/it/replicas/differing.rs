//! Replicas that differ in the blob store or the clock report it, at the start and in readiness.

use serde_json::Value;

use crate::support::service::Builder;
use crate::support::{Client, Database, Home, until};

fn replica(home: &Home, database: &Database) -> Builder {
    home.service()
        .set("store.url", &database.url)
        .set("state.dir", home.path().display().to_string())
}

/// The error of the failing check of that name.
fn failing_check(client: &Client, name: &str) -> String {
    until("readiness says it", || {
        let readiness = client.get("/readyz");
        if readiness.status != 503 {
            return None;
        }
        let checks: Vec<Value> = readiness.json()["checks"].as_array()?.clone();
        let check = checks.into_iter().find(|check| check["name"] == name)?;
        Some(check["detail"].as_str()?.to_owned())
    })
}

#[test]
fn a_replica_with_another_blob_store_reports_it_and_is_not_ready() {
    let (first_home, other_home) = (Home::new(), Home::new());
    let database = Database::new();
    let first = replica(&first_home, &database).start();
    let same = replica(&other_home, &database)
        .set("blobs.url", first_home.blobs_url())
        .start();
    let other = replica(&other_home, &database).start();
    other.wait_for_line("names another blob store");
    let told = failing_check(&other.client(), "blobs");
    assert!(told.contains("names another blob store"), "{told}");
    for fitting in [&first, &same] {
        fitting.client().get("/readyz").expect(200);
    }
    // Also after a restart, whoever starts first.
    first.stop();
    same.stop();
    other.stop();
    let other = replica(&other_home, &database).start();
    failing_check(&other.client(), "blobs");
    other.stop();
}

#[test]
fn a_replica_whose_clock_is_off_reports_it_and_uses_the_clock_of_the_database() {
    let (home, database) = (Home::new(), Database::new());
    replica(&home, &database).start().stop();
    // As if this machine were an hour ahead.
    database.query(
        "CREATE OR REPLACE FUNCTION lastcall_now() RETURNS bigint LANGUAGE sql STABLE AS
         'SELECT (extract(epoch FROM clock_timestamp() - interval ''1 hour'') * 1000000)::bigint'",
    );
    let replica = replica(&home, &database).set("sessions.ttl", "30m").start();
    replica.wait_for_line("ahead of that of the database");
    let client = replica.client();
    let told = failing_check(&client, "clock");
    assert!(told.contains("ahead of that of the database"), "{told}");
    // By the clock of this machine it would have been over before it began.
    let session = client.session_with_birds();
    let job = client.profile(&session, "birds");
    client.succeeded(&job);
    client.get(&format!("/v1/sessions/{session}")).expect(200);
    replica.stop();
}
