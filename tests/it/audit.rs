//! The audit: every change, its caller and its address.

use nix::sys::signal::Signal;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{Client, Ended, Home, free_address, until};

const TARGET: &str = "lastcall::audit";

fn keys() -> String {
    let digest = |key: &str| -> String {
        let digest = Sha256::digest(key);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let keys = json!([
        { "name": "web-2027", "owner": "web", "sha256": digest("secret-of-the-web") },
        { "name": "ops", "sha256": digest("secret-of-ops"), "role": "admin" },
    ]);
    keys.to_string()
}

/// The lines of the audit in a log of JSON.
fn audit(ended: &Ended) -> Vec<Value> {
    let lines = ended.raw.iter();
    let lines = lines.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let lines = lines.filter(|line| line["target"] == TARGET);
    lines
        .map(|line| {
            assert_eq!(line["message"], line["audit"]["action"]);
            line["audit"].clone()
        })
        .collect()
}

#[test]
fn every_change_has_a_line_with_its_caller_action_and_address() {
    let home = Home::new();
    let address = free_address();
    let service = home
        .service()
        .set("server.bind", &address)
        .set("auth.mode", "keys")
        .set("auth.keys", keys())
        .set("server.trusted_proxies", "127.0.0.0/8, ::1")
        .set("log.format", "json")
        .set("log.level", "error")
        .spawn();
    let base = Client::new(&format!("http://{address}"));
    // Its log is not checked.
    until("it is ready", || {
        base.try_get("/readyz")
            .ok()
            .filter(|answer| answer.status == 200)
    });
    let client = base.with_key("secret-of-the-web");
    let web = client.with("x-forwarded-for", "127.0.0.1, 203.0.113.9");
    let session = web.session_with_birds();
    let path = format!("/v1/sessions/{session}");
    let dataset = format!("{path}/datasets/birds");
    let profile = json!({ "dataset": "birds" });
    let keyed = web.with("idempotency-key", "once");
    let job = keyed
        .post(&format!("{path}/analyses"), &profile)
        .expect(202);
    keyed
        .post(&format!("{path}/analyses"), &profile)
        .expect(202);
    let job = format!("/v1/jobs/{}", job.json()["id"].as_str().unwrap());
    web.delete(&job).expect(202);
    // Refused, and reads: no change.
    web.post("/v1/system/drain", &json!({})).expect(403);
    web.get(&dataset).expect(200);
    web.delete(&dataset).expect(204);
    web.delete(&path).expect(204);
    assert!(web.delete(&path).status >= 400);
    let named = base.with_key("secret-of-ops");
    let named = named.with("x-request-id", "the-last-one");
    named.post("/v1/system/drain", &json!({})).expect(202);
    let ended = service.wait().expect(0);

    let lines = audit(&ended);
    let said = |field: &str| -> Vec<&str> {
        let texts = lines.iter().map(|line| line[field].as_str().unwrap_or("-"));
        texts.collect()
    };
    let actions = [
        "session.create",
        "dataset.put",
        "job.submit",
        "job.cancel",
        "dataset.delete",
        "session.delete",
        "system.drain",
    ];
    assert_eq!(said("action"), actions);
    let drain = "/v1/system/drain";
    assert_eq!(
        said("resource"),
        [&*path, &*dataset, &*job, &*job, &*dataset, &*path, drain]
    );
    assert_eq!(
        said("outcome"),
        ["201", "201", "202", "202", "204", "204", "202"]
    );
    for line in &lines[..6] {
        let who = [&line["owner"], &line["key"], &line["role"], &line["client"]];
        assert_eq!(who, ["web", "web-2027", "user", "203.0.113.9"]);
    }
    let last = &lines[6];
    let who = [
        &last["owner"],
        &last["key"],
        &last["role"],
        &last["client"],
        &last["request"],
    ];
    assert_eq!(who, ["ops", "ops", "admin", "127.0.0.1", "the-last-one"]);
    let log = ended.raw.join("\n");
    assert!(!log.contains("secret-of"), "{log}");
}

#[test]
fn the_access_log_names_the_owner_of_what_is_refused() {
    let home = Home::new();
    let service = home
        .service()
        .set("auth.mode", "keys")
        .set("auth.keys", keys())
        .set("limits.per_owner.requests_per_second", "1")
        .set("limits.per_owner.burst", "1")
        .set("log.access", "1")
        .start();
    let web = service.client().with_key("secret-of-the-web");
    // Many more within any second than there may be.
    let answers: Vec<u16> = (0..20).map(|_| web.get("/v1/jobs").status).collect();
    assert!(answers.contains(&429), "{answers:?}");
    let ended = service.terminate().expect(0);
    let lines = ended.raw.iter();
    let refused = lines.filter(|line| line.contains("GET /v1/jobs 429"));
    let refused: Vec<&String> = refused.collect();
    assert!(!refused.is_empty(), "{ended:#?}");
    for line in refused {
        assert!(line.contains("owner \"web\""), "{line}");
    }
}

#[test]
fn text_has_the_same_object_and_a_key_switches_it_off() {
    for audited in [true, false] {
        let home = Home::new();
        let mut service = home
            .service()
            .set("auth.mode", "keys")
            .set("auth.keys", keys())
            .set("log.audit", audited.to_string())
            .start();
        let web = service.client().with_key("secret-of-the-web");
        // A header about the caller is not trusted.
        let web = web.with("x-forwarded-for", "203.0.113.9");
        web.post("/v1/sessions", &json!({})).expect(201);
        service.signal(Signal::SIGHUP);
        service.wait_for_line("SIGHUP received: 2 keys");
        let ended = service.terminate().expect(0);
        let lines = ended.raw.iter().filter(|line| line.contains(TARGET));
        let lines: Vec<Value> = lines
            .map(|line| serde_json::from_str(&line[line.find('{').unwrap()..]).unwrap())
            .collect();
        if !audited {
            assert!(lines.is_empty(), "{lines:?}");
            continue;
        }
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert_eq!(lines[0]["action"], "session.create");
        assert_eq!(lines[0]["client"], "127.0.0.1");
        assert_eq!(lines[1]["action"], "keys.reload");
        assert_eq!(lines[1]["outcome"], "SIGHUP received: 2 keys");
    }
}
