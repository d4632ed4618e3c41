//! The lines of the log during a shutdown, the exit code, and the report.

use std::time::Duration;

use lastcall_actors::log_lines;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::support::service::CONTRACT_LINES;
use crate::support::{Ended, HeldQueries, Home, data, held};

/// The tolerance for a busy machine.
const ROOM: Duration = Duration::from_secs(2);
/// What the contract allows beyond a deadline.
const EXIT_TIMEOUT: Duration = Duration::from_millis(500);

fn all_is_down(ended: &Ended) {
    assert_eq!(ended.contract_lines(), CONTRACT_LINES, "{ended:#?}");
    let last = ended.log.last().map(String::as_str);
    assert_eq!(
        last,
        Some(log_lines::ALL_DOWN),
        "it is the last line: {ended:#?}"
    );
}

#[test]
fn sigterm_and_sigint_end_an_idle_service_with_the_nine_lines_and_exit_code_0() {
    for (signal, reason) in [(Signal::SIGTERM, "sigterm"), (Signal::SIGINT, "sigint")] {
        let home = Home::new();
        let mut service = home.start();
        service.signal(signal);
        let ended = service.wait().expect(0).within(ROOM);
        all_is_down(&ended);
        let report = home.report();
        assert_eq!(report["reason"], reason);
        assert_eq!(report["clean"], true);
        assert_eq!(report["exit_code"], 0);
        assert_eq!(report["hurried"], false);
    }
}

#[test]
fn a_request_to_drain_is_the_same_as_sigterm() {
    let home = Home::new();
    let mut service = home.start();
    service.mark();
    let answer = service
        .client()
        .post("/v1/system/drain", &json!({}))
        .expect(202);
    assert_eq!(answer.header("content-type"), "application/json");
    let ended = service.wait().expect(0).within(ROOM);
    all_is_down(&ended);
    assert_eq!(home.report()["reason"], "api");
}

#[test]
fn each_line_is_a_line_of_its_own_in_json_too() {
    let home = Home::new();
    let service = home.service().set("log.format", "json").spawn();
    service.wait_for_line(log_lines::READY);
    let ended = service.stop();
    let messages: Vec<String> = ended
        .raw
        .iter()
        .map(|line| {
            let record: Value = serde_json::from_str(line).expect("every line is JSON");
            record["message"].as_str().unwrap().to_owned()
        })
        .collect();
    let found: Vec<_> = CONTRACT_LINES
        .into_iter()
        .filter_map(|line| {
            messages
                .iter()
                .position(|message| message.starts_with(line))
        })
        .collect();
    assert_eq!(found.len(), CONTRACT_LINES.len(), "{messages:#?}");
    assert!(found.is_sorted(), "{messages:#?}");
}

#[test]
fn work_in_flight_is_finished_before_the_lines_that_say_so() {
    let home = Home::new();
    let mut service = home.service().set("shutdown.deadline", "60s").start();
    let client = service.client();
    let session = client.session_with_birds();
    let held = HeldQueries::of(&service);
    let job = client.sql(&session, data::COUNT);
    client.wait_for(&job, "running");

    service.signal(Signal::SIGTERM);
    service.wait_for_line(log_lines::ANALYSIS_BEGIN);
    let ended = |line: &String| line == log_lines::ANALYSIS_END;
    assert!(!service.messages().iter().any(ended));
    held.release();
    let ended = service.wait().expect(0);
    all_is_down(&ended);
    let report = home.report();
    assert_eq!(report["finished"], 1, "{report:#}");
    assert_eq!(report["handed_back"], 0, "{report:#}");

    let service = home.start();
    let client = service.client();
    let finished = client.job(&job);
    assert_eq!(finished["state"], "succeeded");
    assert_eq!(finished["attempt"], 1);
    assert_eq!(finished["interruptions"], 0);
    assert_eq!(client.result(&job).json()["rows"], json!([[10]]));
    service.stop();
}

#[test]
fn the_last_line_is_withheld_when_the_deadline_passes_and_the_job_runs_again() {
    let home = Home::new();
    let mut service = home
        .service()
        .set("shutdown.deadline", "2s")
        .set("shutdown.cancel_before", "1s")
        .start();
    let client = service.client();
    let session = client.session_with_birds();
    let _held = HeldQueries::of(&service);
    let job = client.sql(&session, data::COUNT);
    client.wait_for(&job, "running");

    service.signal(Signal::SIGTERM);
    let ended = service
        .wait()
        .expect(75)
        .within(Duration::from_secs(2) + EXIT_TIMEOUT);
    assert_eq!(ended.contract_lines(), CONTRACT_LINES[..8], "{ended:#?}");
    let report = home.report();
    assert_eq!(report["exit_code"], 75, "{report:#}");
    assert_eq!(report["clean"], false, "{report:#}");
    assert_eq!(report["handed_back"], 1, "{report:#}");
    assert_eq!(report["left"], 0, "{report:#}");
    assert_eq!(report["threads_left"], json!([]), "{report:#}");

    let service = home.start();
    service.wait_for_line("exit code 75");
    let client = service.client();
    let finished = client.succeeded(&job);
    assert_eq!(finished["interruptions"], 1, "{finished:#}");
    assert_eq!(
        finished["attempt"], 1,
        "the interrupted one does not count: {finished:#}"
    );
    assert_eq!(client.result(&job).json()["rows"], json!([[10]]));
    service.stop();
}

#[test]
fn the_report_tells_every_phase_as_planned_and_as_it_was_and_the_next_run_shows_it() {
    let home = Home::new();
    let service = home
        .service()
        .set("shutdown.deadline", "10s")
        .set("shutdown.lame_duck", "500ms")
        .set("shutdown.cancel_before", "4s")
        .start();
    let client = service.client();
    assert_eq!(client.system()["previous_shutdown"], Value::Null);
    assert_eq!(client.system()["drain"], Value::Null);
    let ended = service.stop();

    let report = home.report();
    let phases: Vec<_> = report["phases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|phase| {
            assert!(phase["actual_ms"].is_u64(), "{report:#}");
            (
                phase["name"].as_str().unwrap(),
                phase["planned_ms"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        phases,
        [
            ("lame_duck", 500),
            ("draining", 5500),
            ("handing_back", 2000),
            ("closing", 2000),
        ]
    );
    assert!(
        report["phases"][0]["actual_ms"].as_u64().unwrap() >= 500,
        "{report:#}"
    );
    assert_eq!(report["deadline_ms"], 10_000);
    let drained: Vec<_> = report["services"]
        .as_array()
        .unwrap()
        .iter()
        .map(|service| service["name"].as_str().unwrap())
        .filter(|name| name.ends_with("Service") || *name == "TtlCleaner")
        .collect();
    assert_eq!(drained, ["TtlCleaner", "ReportService", "AnalysisService"]);
    let line = ended
        .log
        .iter()
        .find_map(|line| line.strip_prefix("shutdown report: "))
        .expect("a line of the log is the report");
    assert_eq!(serde_json::from_str::<Value>(line).unwrap(), report);

    let service = home.start();
    assert!(
        service
            .messages()
            .iter()
            .any(|line| line.contains("previous run ended cleanly"))
    );
    assert_eq!(service.client().system()["previous_shutdown"], report);
    service.stop();
}

#[test]
fn after_a_crash_the_next_start_says_so_and_how_many_jobs_it_took_up() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session_with_birds();
    let _held = HeldQueries::of(&service);
    let jobs: Vec<String> = (0..2).map(|_| client.sql(&session, data::COUNT)).collect();
    for job in &jobs {
        client.wait_for(job, "running");
    }
    service.kill9();

    let service = home.start();
    let client = service.client();
    service.wait_for_line("previous run ended uncleanly, 2 jobs recovered");
    assert_eq!(client.system()["previous_shutdown"], Value::Null);
    for job in &jobs {
        let again = client.succeeded(job);
        assert_eq!(again["attempt"], 2, "a crash counts: {again:#}");
        assert_eq!(again["interruptions"], 0, "{again:#}");
    }
    service.stop();
    let service = home.start();
    service.wait_for_line("previous run ended cleanly, 0 jobs recovered");
    service.stop();
}

#[test]
fn a_job_that_takes_the_process_down_each_time_fails_in_the_end() {
    let home = Home::new();
    let start = || home.service().set("jobs.max_attempts", "2").start();
    let service = start();
    let client = service.client();
    let session = client.session();
    client.upload(&session, "deaf", data::BIRDS);
    held::make_the_blob_block(&home);
    let job = client.profile(&session, "deaf");
    client.wait_for(&job, "running");
    service.kill9();
    let service = start();
    service.client().wait_for(&job, "running");
    service.kill9();
    let service = start();
    let failed = service.client().wait_for(&job, "failed");
    assert_eq!(failed["attempt"], 2, "{failed:#}");
    assert!(failed["error"]["code"].is_string(), "{failed:#}");
    service.stop();
}
