//! Signals to a service that has work in hand and work in its queue, with no balancer to wait
//! for: the first begins the drain, the second hands back, the third ends the process.

use lastcall_actors::log_lines;
use nix::sys::signal::Signal;
use serde_json::json;

use super::ROOM;
use crate::support::service::CONTRACT_LINES;
use crate::support::{Client, HeldQueries, Home, Service, data};

/// A service with one worker for analyses, one query in hand that stands still, and `queued`
/// profiles behind it.
fn busy(home: &Home, queued: usize, finish: bool) -> (Service, HeldQueries, String, Vec<String>) {
    let service = home
        .service()
        .set("analysis.workers", "1")
        .set("shutdown.queued", if finish { "finish" } else { "leave" })
        .set("shutdown.deadline", "60s")
        .start();
    let client = service.client();
    let session = client.session_with_birds();
    let held = HeldQueries::of(&service);
    let running = client.sql(&session, data::COUNT);
    client.wait_for(&running, "running");
    let waiting = (0..queued)
        .map(|_| client.profile(&session, "birds"))
        .collect();
    (service, held, running, waiting)
}

#[track_caller]
fn all_succeed(client: &Client, jobs: &[String]) {
    for job in jobs {
        client.succeeded(job);
    }
}

#[test]
fn the_first_signal_finishes_what_is_in_hand_and_leaves_the_queue() {
    let home = Home::new();
    let (mut service, held, running, waiting) = busy(&home, 5, false);
    service.signal(Signal::SIGTERM);
    service.wait_for_line(log_lines::ANALYSIS_BEGIN);
    held.release();
    let ended = service.wait().expect(0);
    assert_eq!(ended.contract_lines(), CONTRACT_LINES, "{ended:#?}");
    let report = home.report();
    assert_eq!(report["finished"], 1, "{report:#}");
    assert_eq!(report["queued"], 5, "{report:#}");
    assert_eq!(report["handed_back"], 0, "{report:#}");

    let service = home.start();
    let client = service.client();
    assert_eq!(client.job(&running)["state"], "succeeded");
    all_succeed(&client, &waiting);
    for job in &waiting {
        let job = client.job(job);
        assert_eq!(
            (&job["attempt"], &job["interruptions"]),
            (&json!(1), &json!(0)),
            "{job:#}"
        );
    }
    service.stop();
}

#[test]
fn with_queued_finish_the_queue_is_emptied_before_the_end() {
    let home = Home::new();
    let (mut service, held, running, waiting) = busy(&home, 5, true);
    service.signal(Signal::SIGTERM);
    service.wait_for_line(log_lines::ANALYSIS_BEGIN);
    held.release();
    let ended = service.wait().expect(0);
    assert_eq!(ended.contract_lines(), CONTRACT_LINES, "{ended:#?}");
    let report = home.report();
    assert_eq!(report["finished"], 6, "{report:#}");
    assert_eq!(report["queued"], 0, "{report:#}");

    let service = home.start();
    let client = service.client();
    for job in waiting.iter().chain([&running]) {
        assert_eq!(client.job(job)["state"], "succeeded");
    }
    service.stop();
}

#[test]
fn the_second_signal_hands_back_at_once() {
    for (first, second) in [
        (Signal::SIGTERM, Signal::SIGTERM),
        (Signal::SIGINT, Signal::SIGINT),
        (Signal::SIGTERM, Signal::SIGINT),
    ] {
        let home = Home::new();
        let (mut service, held, running, waiting) = busy(&home, 2, false);
        service.signal(first);
        service.wait_for_line(log_lines::ANALYSIS_BEGIN);
        service.signal(second);
        let ended = service.wait().expect(75).within(ROOM);
        assert_eq!(ended.contract_lines(), CONTRACT_LINES[..8], "{ended:#?}");
        drop(held);
        let report = home.report();
        assert_eq!(report["hurried"], true, "{report:#}");
        assert_eq!(report["handed_back"], 1, "{report:#}");
        assert_eq!(report["queued"], 3, "{report:#}");

        let service = home.start();
        let client = service.client();
        let job = client.succeeded(&running);
        assert_eq!(
            (&job["attempt"], &job["interruptions"]),
            (&json!(1), &json!(1)),
            "{job:#}"
        );
        all_succeed(&client, &waiting);
        service.stop();
    }
}

#[test]
fn the_third_signal_ends_the_process_and_loses_nothing() {
    for (last, code) in [(Signal::SIGTERM, 128 + 15), (Signal::SIGINT, 128 + 2)] {
        let home = Home::new();
        // Ignores cancellation, so that the hand-back does not end before the third signal.
        let service = home
            .service()
            .set("shutdown.deadline", "60s")
            .set("shutdown.cancel_before", "50s")
            .start();
        let client = service.client();
        let session = client.session();
        client.upload(&session, "deaf", data::BIRDS);
        let blob = crate::support::held::make_the_blob_block(&home);
        let job = client.profile(&session, "deaf");
        client.wait_for(&job, "running");
        let mut service = service;
        service.signal(Signal::SIGTERM);
        service.wait_for_line(log_lines::ANALYSIS_BEGIN);
        service.signal(Signal::SIGTERM);
        service.wait_for_line("second signal");
        service.signal(last);
        let ended = service.wait().expect(code).within(ROOM);
        assert!(!ended.says(log_lines::ALL_DOWN), "{ended:#?}");

        std::fs::remove_file(&blob).unwrap();
        std::fs::write(&blob, data::BIRDS).unwrap();
        let service = home.start();
        service.wait_for_line("previous run ended uncleanly");
        let job = service.client().succeeded(&job);
        assert_eq!(job["state"], "succeeded");
        service.stop();
    }
}

#[test]
fn a_report_in_hand_still_gets_the_analysis_that_it_needs() {
    let home = Home::new();
    let (mut service, held, running, _) = busy(&home, 0, false);
    let client = service.client();
    let session = client.job(&running)["session"].as_str().unwrap().to_owned();
    // The only worker for analyses is taken, so the report waits for its profile.
    let report = client.report(&session, &json!({ "dataset": "birds", "format": "md" }));
    client.wait_for(&report, "running");
    service.signal(Signal::SIGTERM);
    service.wait_for_line(log_lines::REPORT_BEGIN);
    held.release();
    let ended = service.wait().expect(0);
    assert_eq!(ended.contract_lines(), CONTRACT_LINES, "{ended:#?}");

    let service = home.start();
    let client = service.client();
    for job in [&running, &report] {
        let job = client.job(job);
        assert_eq!(job["state"], "succeeded", "{job:#}");
        assert_eq!(job["attempt"], 1, "{job:#}");
    }
    service.stop();
}
