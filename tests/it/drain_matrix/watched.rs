//! Streams of the system during a shutdown.

use std::process::{Command, Stdio};
use std::time::Duration;

use lastcall_actors::log_lines;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::{Value, json};

use super::{EXIT_TIMEOUT, ROOM};
use crate::support::raw::Connection;
use crate::support::{Client, Events, HeldQueries, Home, data, held};

const PATH: &str = "/v1/system/events";

/// The entry of the shutdown for a phase.
fn phase<'a>(system: &'a Value, name: &str) -> &'a Value {
    let phases = system["drain"]["phases"].as_array();
    let phases = phases.expect("the shutdown has phases");
    let found = phases.iter().find(|phase| phase["name"] == name);
    found.expect("it is one of them")
}

fn in_flight(system: &Value) -> u64 {
    let services = system["services"].as_array().unwrap().iter();
    services.filter_map(|one| one["in_flight"].as_u64()).sum()
}

/// Runs work that ignores cancellation: every phase takes its time.
fn run_uncancellable_work(home: &Home, client: &Client) {
    let session = client.session();
    client.upload(&session, "deaf", data::BIRDS);
    held::make_the_blob_block(home);
    let job = client.profile(&session, "deaf");
    client.wait_for(&job, "running");
}

#[test]
fn a_stream_shows_every_phase_and_the_end() {
    let home = Home::new();
    let mut service = home
        .service()
        .set("server.admin_bind", "127.0.0.1:0")
        .set("shutdown.deadline", "5s")
        .set("shutdown.lame_duck", "500ms")
        .set("shutdown.cancel_before", "2s")
        .start();
    let client = service.client();
    run_uncancellable_work(&home, &client);
    let mut events = Events::open(service.address(), PATH);
    let mut beside = Events::open(&service.admin_address(), PATH);
    let running = events.wait_for_phase("running");
    assert_eq!(running["drain"], Value::Null);
    let mut idle = Connection::open(service.address());
    assert_eq!(idle.get("/livez").status, 200);

    service.signal(Signal::SIGTERM);
    let system = events.wait_for_phase("lame_duck");
    assert_eq!(phase(&system, "lame_duck")["state"], "active");
    assert_eq!(phase(&system, "draining")["actual_ms"], Value::Null);
    let system = events.wait_for_phase("draining");
    assert_eq!(in_flight(&system), 1, "{system:#}");
    assert_eq!(system["drain"]["requests"], 0);
    assert_eq!(system["drain"]["deadline_ms"], 5000);
    assert!(system["drain"]["left_ms"].as_u64().unwrap() <= 4500);
    assert_eq!(phase(&system, "lame_duck")["state"], "done");
    assert_eq!(phase(&system, "draining")["state"], "active");
    // The other connections are closed as usual.
    assert_eq!(idle.rest(), "");
    assert!(Connection::try_open(service.address()).is_err());
    let system = events.wait_for_phase("handing_back");
    assert_eq!(phase(&system, "draining")["state"], "done");
    assert_eq!(phase(&system, "handing_back")["planned_ms"], 1000);
    let end = events.wait_for("end");
    assert_eq!(events.next(), None, "and nothing follows");
    assert_eq!(beside.wait_for("end"), end);

    let deadline = Duration::from_secs(5);
    let ended = service.wait().expect(75).within(deadline + EXIT_TIMEOUT);
    assert!(!ended.says("without a complete response"), "{ended:#?}");
    assert_eq!(end["reason"], "stopped");
    let (told, report) = (&end["report"], home.report());
    // All but the threads, which are not counted by then.
    for field in [
        "instance",
        "reason",
        "hurried",
        "started_at",
        "deadline_ms",
        "services",
        "finished",
        "handed_back",
        "left",
        "queued",
        "other_left",
        "clean",
        "exit_code",
    ] {
        assert_eq!(told[field], report[field], "{field}");
    }
    assert_eq!(told["handed_back"], 1);
    assert_eq!(told["phases"][1], report["phases"][1]);
}

#[test]
fn a_shutdown_in_time_is_clean_with_an_open_stream() {
    let home = Home::new();
    let mut service = home.start();
    let client = service.client();
    let session = client.session_with_birds();
    let held = HeldQueries::of(&service);
    let job = client.sql(&session, data::COUNT);
    client.wait_for(&job, "running");
    let mut events = Events::open(service.address(), PATH);
    service.signal(Signal::SIGTERM);
    events.wait_for_phase("draining");
    held.release();
    let end = events.wait_for("end");
    assert_eq!(
        (&end["report"]["finished"], &end["report"]["clean"]),
        (&json!(1), &json!(true))
    );
    let ended = service.wait().expect(0);
    assert!(ended.says(log_lines::ALL_DOWN), "{ended:#?}");
    assert_eq!(home.report()["other_left"], json!([]));
}

#[test]
fn further_signals_have_the_same_effect_with_an_open_stream() {
    let home = Home::new();
    let mut service = home.service().set("shutdown.lame_duck", "20s").start();
    let client = service.client();
    run_uncancellable_work(&home, &client);
    let mut events = Events::open(service.address(), PATH);
    service.signal(Signal::SIGTERM);
    events.wait_for_phase("lame_duck");
    service.signal(Signal::SIGTERM);
    let system = events.wait_for_phase("handing_back");
    assert_eq!(system["drain"]["hurried"], true, "{system:#}");
    assert_eq!(phase(&system, "lame_duck")["state"], "done");
    service.signal(Signal::SIGTERM);
    service.wait().expect(128 + 15).within(ROOM);
    assert!(!events.rest().contains("event: end"));
}

#[test]
fn many_streams_do_not_delay_the_end_even_if_their_clients_are_blocked_or_stopped() {
    let home = Home::new();
    let mut service = home.start();
    let mut following: Vec<_> = (0..50)
        .map(|_| Events::open(service.address(), PATH))
        .collect();
    // These read nothing but the head.
    let deaf: Vec<_> = (0..50)
        .map(|_| Events::open(service.address(), PATH))
        .collect();
    let mut stopped = Command::new("curl")
        .args(["--silent", "--no-buffer", "--noproxy", "*"])
        .arg(format!("http://{}{PATH}", service.address()))
        .stdout(Stdio::null())
        .spawn()
        .expect("curl is installed");
    let pid = Pid::from_raw(stopped.id().try_into().unwrap());
    kill(pid, Signal::SIGSTOP).unwrap();
    for events in &mut following {
        events.wait_for_phase("running");
    }
    service.signal(Signal::SIGTERM);
    let ended = service.wait().expect(0).within(ROOM);
    assert!(ended.says(log_lines::ALL_DOWN), "{ended:#?}");
    for events in &mut following {
        assert_eq!(events.wait_for("end")["report"]["clean"], true);
    }
    drop(deaf);
    stopped.kill().unwrap();
    stopped.wait().unwrap();
}
