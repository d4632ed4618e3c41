use lastcall_actors::Phase;
use serde_json::json;

use crate::fixture::Api;

#[test]
fn the_service_is_ready_while_it_runs_and_its_parts_are_there() {
    let api = Api::start();
    api.client.get("/livez").expect(200);
    assert_eq!(
        api.client.get("/readyz").ok(200),
        json!({"status": "ready"})
    );
}

#[test]
fn readiness_follows_the_phase() {
    let api = Api::start();
    for (phase, status) in [
        (Phase::Starting, "starting"),
        (Phase::LameDuck, "draining"),
        (Phase::Draining, "draining"),
        (Phase::HandingBack, "draining"),
        (Phase::Stopped, "draining"),
    ] {
        api.system.phase.send_replace(phase);
        assert_eq!(api.client.get("/readyz").ok(503), json!({"status": status}));
        api.client.get("/livez").expect(200);
    }
}

#[test]
fn a_part_that_is_missing_is_named() {
    let api = Api::start();
    api.store.faults().set_down(true);
    api.blobs.faults().set_down(true);
    let degraded = api.client.get("/readyz").ok(503);
    assert_eq!(degraded["status"], "degraded");
    let names: Vec<_> = degraded["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|check| check["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["store", "blobs"]);
}

#[test]
fn the_system_is_described() {
    let api = Api::start();
    api.with_services();
    let session = api.session_with_penguins();
    api.profile(&session);
    let system = api.client.get("/v1/system").ok(200);
    assert_eq!(system["phase"], "running");
    assert!(system["instance"].is_string());
    assert_eq!(system["previous_shutdown"], json!(null));
    assert_eq!(system["sessions"], 1);
    assert_eq!(system["jobs"]["analysis"]["queued"], 1);
    assert_eq!(system["jobs"]["report"]["queued"], 0);
    let service = &system["services"][0];
    for (field, value) in [
        ("name", json!("AnalysisService")),
        ("state", json!("running")),
        ("slots", json!(4)),
        ("in_flight", json!(1)),
        ("queued", json!(1)),
        ("mailbox", json!({"depth": 3, "capacity": 64})),
        ("restarts", json!(2)),
    ] {
        assert_eq!(service[field], value, "{field}");
    }
    assert_eq!(service["counts"]["succeeded"], 7);
    // Without the store it reports the rest.
    api.store.faults().set_down(true);
    let system = api.client.get("/v1/system").ok(200);
    assert_eq!(system["sessions"], json!(null));
    assert_eq!(system["services"][0]["in_flight"], 1);
}
