//! Temporary outages: the folder of the blobs, the bucket, the scratch folder and its disk, the
//! file descriptors. The service reports them and waits; no job loses an attempt.

use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};
use serde_json::{Value, json};

use crate::support::line::{Line, State};
use crate::support::tmpfs::Tmpfs;
use crate::support::{Client, Home, Service, data, until};

/// A workbook whose directory places a part beyond the end of any file.
const IMPOSSIBLE: &[u8] =
    include_bytes!("../../src/engine/tests/it/fixtures/impossible-offset.ods");

/// The part as `/v1/system` shows it, once it is unavailable.
#[track_caller]
fn away(client: &Client, name: &str) -> Value {
    until(&format!("{name} is away"), || {
        let system = client.system();
        let parts = system["dependencies"].as_array().unwrap();
        let part = parts.iter().find(|part| part["name"] == name).unwrap();
        (part["breaker"] != "closed").then(|| part.clone())
    })
}

/// Jobs each of which reads the dataset `birds` for itself.
#[track_caller]
fn submit(client: &Client, session: &str, count: usize) -> Vec<String> {
    let query = |number| format!("select count(*) as n, {number} as i from birds");
    let submit = |number| match number % 2 {
        0 => client.sql(session, &query(number)),
        _ => client.analyse(
            session,
            &json!({
                "dataset": "birds",
                "kind": "profile",
                "options": { "read": { "missing": [format!("no {number}")] } },
            }),
        ),
    };
    (0..count).map(submit).collect()
}

#[track_caller]
fn paid_nothing(client: &Client, jobs: &[String]) {
    for job in jobs {
        let job = client.succeeded(job);
        assert_eq!(
            (&job["attempt"], &job["interruptions"]),
            (&json!(1), &json!(0)),
            "{job:#}"
        );
    }
}

/// Readiness names the part that is missing.
#[track_caller]
fn is_degraded(client: &Client, name: &str) {
    let ready = client.get("/readyz").expect(503).json();
    assert_eq!(ready["status"], "degraded", "{ready:#}");
    let checks = ready["checks"].as_array().unwrap();
    assert!(
        checks.iter().any(|check| check["name"] == name),
        "{ready:#}"
    );
}

#[track_caller]
fn is_ready_again(client: &Client) {
    until("it is ready again", || {
        (client.get("/readyz").status == 200).then_some(())
    });
}

#[test]
fn a_folder_that_is_moved_away_and_back_fails_no_job() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session_with_birds();
    let (blobs, elsewhere) = (home.path().join("blobs"), home.path().join("elsewhere"));
    std::fs::rename(&blobs, &elsewhere).unwrap();
    let jobs = submit(&client, &session, 30);
    away(&client, "blobs");
    is_degraded(&client, "blobs");
    // Until the probe has answered, failures of work are not shown.
    until("the probe says why", || {
        let part = away(&client, "blobs");
        let detail = part["detail"].as_str().unwrap();
        detail.contains("is gone").then_some(())
    });
    // Deletions meanwhile are done later, and uploads are refused.
    let upload = format!("/v1/sessions/{session}/datasets/more");
    client
        .put(&upload, "text/csv", b"a\n1\n")
        .expect_problem(503, "blobs_unavailable");
    let counts = &client.service("AnalysisService")["counts"];
    assert!(counts["claimed"].as_u64().unwrap() <= 4, "{counts:#}");
    assert!(!blobs.exists(), "nothing takes its place");
    std::fs::rename(&elsewhere, &blobs).unwrap();
    paid_nothing(&client, &jobs);
    is_ready_again(&client);
    service.stop();
}

#[test]
fn a_workbook_that_asks_for_the_impossible_fails_alone() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session_with_birds();
    let path = format!("/v1/sessions/{session}/datasets/crafted.ods");
    let media_type = "application/vnd.oasis.opendocument.spreadsheet";
    client.put(&path, media_type, IMPOSSIBLE).expect(201);
    let job = client.profile(&session, "crafted.ods");
    let job = client.wait_for(&job, "failed");
    assert_eq!(job["error"]["code"], "malformed_data", "{job:#}");
    assert_eq!(job["attempt"], 1, "{job:#}");
    paid_nothing(&client, &submit(&client, &session, 2));
    let system = client.system();
    for part in system["dependencies"].as_array().unwrap() {
        assert_eq!(part["outages"], 0, "{part:#}");
    }
    service.stop();
}

#[test]
fn a_drain_hands_back_what_waits_for_a_folder_that_is_away() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session_with_birds();
    let (blobs, elsewhere) = (home.path().join("blobs"), home.path().join("elsewhere"));
    std::fs::rename(&blobs, &elsewhere).unwrap();
    let jobs = submit(&client, &session, 6);
    away(&client, "blobs");
    // It waits for nothing, and its log names the work that was handed back.
    let ended = service.terminate().expect(75);
    let ended = ended.within(Duration::from_secs(10));
    assert!(ended.says("handed back"), "{ended:#?}");
    assert_eq!(home.report()["left"], 0, "{ended:#?}");
    std::fs::rename(&elsewhere, &blobs).unwrap();
    let service = home.start();
    let client = service.client();
    for job in &jobs {
        assert_eq!(client.succeeded(job)["attempt"], 1);
    }
    service.stop();
}

#[test]
fn a_process_without_file_descriptors_fails_no_job() {
    let home = Home::new();
    let service = home.start();
    // One connection, which stays.
    let client = service.client();
    let session = client.session_with_birds();
    let pid = Pid::from_raw(service.pid()).unwrap();
    // What is open stays open; nothing more can be.
    let none = Rlimit {
        current: Some(3),
        maximum: getrlimit(Resource::Nofile).maximum,
    };
    let before = prlimit(Some(pid), Resource::Nofile, none).unwrap();
    let jobs = submit(&client, &session, 8);
    away(&client, "file_descriptors");
    prlimit(Some(pid), Resource::Nofile, before).unwrap();
    paid_nothing(&client, &jobs);
    is_ready_again(&client);
    service.stop();
}

#[test]
fn a_scratch_folder_that_is_away_fails_no_report() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session_with_birds();
    let report = |format| client.report(&session, &json!({ "dataset": "birds", "format": format }));
    // What the others are made of.
    client.succeeded(&report("md"));
    let (scratch, elsewhere) = (home.path().join("scratch"), home.path().join("elsewhere"));
    for format in ["xlsx", "pdf"] {
        std::fs::rename(&scratch, &elsewhere).unwrap();
        // A folder that is missing would be made again.
        std::fs::write(&scratch, "").unwrap();
        let job = report(format);
        away(&client, "scratch");
        is_degraded(&client, "scratch");
        std::fs::remove_file(&scratch).unwrap();
        std::fs::rename(&elsewhere, &scratch).unwrap();
        paid_nothing(&client, &[job]);
        is_ready_again(&client);
    }
    service.stop();
}

#[test]
fn a_workbook_waits_for_room_on_the_disk_of_the_temporary_files() {
    let (home, disk) = (Home::new(), Tmpfs::new(64));
    let service = home
        .service()
        .set("state.dir", disk.path().to_string_lossy())
        .set("store.min_free", "0B")
        .start();
    let client = service.client();
    let session = client.session();
    client.upload(&session, "numbers", &data::numbers(20_000));
    let answer = client.sql(&session, "select * from numbers");
    client.succeeded(&answer);
    // It is found out row by row, not when the file is made.
    disk.fill();
    let workbook = json!({ "analysis": answer, "format": "xlsx" });
    let job = client.report(&session, &workbook);
    until("the probe says why", || {
        let part = away(&client, "scratch");
        let detail = part["detail"].as_str().unwrap();
        detail.contains("No space left").then_some(())
    });
    disk.empty();
    paid_nothing(&client, &[job]);
    is_ready_again(&client);
    service.stop();
}

/// A service whose blobs are in a bucket at the end of this line.
fn with_bucket(home: &Home, line: &Line) -> Service {
    // No two tests have the same.
    let folder = home.path().file_name().unwrap().to_string_lossy();
    let prefix = folder.trim_start_matches('.');
    home.service()
        .set("blobs.url", format!("s3://lastcall/{prefix}"))
        .env("AWS_ENDPOINT_URL", line.url.clone())
        .env("AWS_ALLOW_HTTP", "true")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "only-for-tests")
        .env("AWS_REGION", "us-east-1")
        .start()
}

#[test]
fn a_bucket_that_turns_everybody_away_for_a_while_fails_no_job() {
    let server = std::env::var("LASTCALL_TEST_S3")
        .expect("LASTCALL_TEST_S3 names no S3 server: run the tests by scripts/test.sh");
    let server = server.strip_prefix("http://").unwrap();
    for status in [503, 403, 404] {
        let home = Home::new();
        let line = Line::to_server(server);
        let service = with_bucket(&home, &line);
        let client = service.client();
        let session = client.session_with_birds();
        line.set(State::TurnedAway(status));
        let jobs = submit(&client, &session, 10);
        let part = away(&client, "blobs");
        is_degraded(&client, "blobs");
        assert_eq!(part["outages"], 1, "{part:#}");
        line.set(State::Whole);
        paid_nothing(&client, &jobs);
        is_ready_again(&client);
        service.stop();
    }
}
