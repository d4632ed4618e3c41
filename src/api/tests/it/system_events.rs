use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use lastcall_actors::{Phase, ShutdownReport};
use lastcall_api::{ApiKey, Auth, Role, StallTimeouts};
use lastcall_domain::Store as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::time::timeout;

use crate::connections::rest;
use crate::events::{Events, open};
use crate::fixture::{Api, block};
use crate::secure::{self, Client, TIMEOUT, runtime};

/// How long the last event may take.
const LAST_EVENT_TIMEOUT: Duration = Duration::from_millis(250);
const PATH: &str = "/v1/system/events";
const FOREVER: Duration = Duration::from_secs(3600);
const SHORT_TIMEOUT: Duration = Duration::from_millis(200);

fn follow(api: &Api) -> Events<impl Read + use<>> {
    open(&api.client, PATH)
}

/// Events until one is of this phase.
#[track_caller]
fn expect_phase(events: &mut Events<impl Read>, phase: &str) -> Value {
    loop {
        let system = events.expect("system");
        if system["phase"] == phase {
            return system;
        }
    }
}

#[track_caller]
fn expect_end(events: &mut Events<impl Read>) {
    let end = loop {
        match events.next().expect("the end is told") {
            (name, system) if name == "system" => assert!(system["phase"].is_string()),
            end => break end,
        }
    };
    let report = serde_json::to_value(report()).unwrap();
    let told = json!({ "reason": "stopped", "report": report });
    assert_eq!(end, ("end".to_owned(), told));
    assert_eq!(events.next(), None);
}

fn report() -> ShutdownReport {
    let report = json!({
        "instance": "0198a000-0000-7000-8000-000000000000",
        "reason": "sigterm",
        "hurried": false,
        "started_at": "2026-01-01T00:00:00Z",
        "finished_at": "2026-01-01T00:00:01Z",
        "elapsed_ms": 1000,
        "deadline_ms": 25_000,
        "phases": [],
        "services": [],
        "finished": 3,
        "handed_back": 0,
        "left": 0,
        "queued": 0,
        "threads_left": [],
        "other_left": [],
        "clean": true,
        "exit_code": 0,
    });
    serde_json::from_value(report).unwrap()
}

/// The steps of the boot once the lame duck is over: no connection waits for the stream.
fn close(api: &Api) {
    let closed = async { timeout(TIMEOUT, api.state.close_connections()).await };
    runtime()
        .block_on(closed)
        .expect("nothing waits for a stream of the system");
    assert_eq!(api.state.unfinished_requests(), 0);
    api.state.cut_connections();
}

fn end(api: &Api) {
    runtime().block_on(async {
        let ended = timeout(
            TIMEOUT,
            api.state.end_system_streams(report(), LAST_EVENT_TIMEOUT),
        );
        ended.await.expect("nobody holds up the end");
    });
}

/// A connection on which a request for the stream was sent.
fn connect(api: &Api, more: &str) -> TcpStream {
    let mut connection = TcpStream::connect(api.address).unwrap();
    connection.set_read_timeout(Some(TIMEOUT)).unwrap();
    write!(
        connection,
        "GET {PATH} HTTP/1.1\r\nHost: localhost\r\n\r\n{more}"
    )
    .unwrap();
    connection
}

#[test]
fn the_stream_begins_with_the_state_and_repeats_every_change() {
    let api = Api::start();
    api.with_services();
    api.session_with_penguins();
    let asked = api.client.get("/v1/system").ok(200);
    let mut events = follow(&api);
    let mut told = events.expect("system");
    assert_eq!(told["sessions"], 1);
    told["uptime_seconds"] = asked["uptime_seconds"].clone();
    assert_eq!(told, asked);
    // Nothing has changed.
    assert_eq!(events.expect("system")["phase"], "running");
    api.system.services.lock().unwrap()[0].in_flight = 7;
    while events.expect("system")["services"][0]["in_flight"] != 7 {}
    api.system.phase.send_replace(Phase::LameDuck);
    expect_phase(&mut events, "lame_duck");
}

#[test]
fn the_stream_works_while_the_store_is_unavailable() {
    let api = Api::start();
    api.store.faults().set_down(true);
    let mut events = follow(&api);
    assert_eq!(events.expect("system")["sessions"], json!(null));
    api.store.faults().set_down(false);
    while events.expect("system")["sessions"] != 0 {}
}

#[test]
fn the_stream_outlives_the_listener_and_ends_with_the_report() {
    let api = Api::start();
    let mut events = follow(&api);
    events.expect("system");
    let mut idle = TcpStream::connect(api.address).unwrap();
    idle.set_read_timeout(Some(TIMEOUT)).unwrap();
    write!(idle, "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    idle.read_exact(&mut [0; 12]).unwrap();
    api.system.phase.send_replace(Phase::LameDuck);
    // A client that connects late sees the same.
    let mut late = follow(&api);
    expect_phase(&mut late, "lame_duck");
    close(&api);
    // A connection without a stream is closed, even an idle one.
    rest(idle);
    api.system.phase.send_replace(Phase::Draining);
    expect_phase(&mut events, "draining");
    api.system.phase.send_replace(Phase::HandingBack);
    expect_phase(&mut events, "handing_back");
    expect_phase(&mut late, "handing_back");
    api.system.phase.send_replace(Phase::Stopped);
    expect_phase(&mut events, "stopped");
    end(&api);
    expect_end(&mut events);
    expect_end(&mut late);
}

#[test]
fn a_request_behind_that_for_the_stream_is_not_served() {
    let api = Api::start();
    let more = "POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n";
    let mut connection = connect(&api, more);
    connection.read_exact(&mut [0; 12]).unwrap();
    close(&api);
    end(&api);
    let text = rest(connection);
    let (_, answer) = text.split_once("event: end").unwrap();
    let (_, answer) = answer.split_once("HTTP/1.1 ").unwrap();
    assert!(answer.starts_with("503"), "{answer}");
    assert!(answer.contains("\"draining\""), "{answer}");
    assert_eq!(block(api.store.counts()).unwrap().sessions, 0);
}

#[test]
fn the_number_of_streams_is_bounded_and_a_closed_one_frees_its_place() {
    let api = Api::with(|config| (config.max_system_streams, config.max_streams) = (1, 0));
    let mut events = follow(&api);
    events.expect("system");
    let refused = api.client.get(PATH);
    assert!(!refused.header("retry-after").is_empty());
    refused.problem(429, "too_many_streams");
    drop(events);
    loop {
        let reply = api.client.open("GET", PATH, ureq::SendBody::none());
        if reply.status() == 200 {
            break;
        }
        std::thread::yield_now();
    }
}

#[test]
fn the_stream_needs_the_right_to_see_the_system_and_has_the_caller_s_role() {
    let keys = [
        ("reader", Role::Reader),
        ("user", Role::User),
        ("admin", Role::Admin),
    ];
    let key = |(name, role): (&str, _)| ApiKey::new(name, Sha256::digest(name).into(), role);
    let api = Api::with(|config| config.auth = Auth::Keys(keys.map(key).to_vec()));
    api.client.get(PATH).problem(401, "unauthorized");
    for (name, _) in keys {
        let client = api.client.with("authorization", &format!("Bearer {name}"));
        let mut events = open(&client, PATH);
        assert_eq!(events.expect("system")["role"], name);
    }
}

/// A system whose state has this many bytes. Neither two states of 8 MiB nor one of 16 MiB fit into
/// the buffers between the server and a client.
fn make_large(api: &Api, bytes: usize) {
    api.with_services();
    api.system.services.lock().unwrap()[0].last_fault = Some("x".repeat(bytes));
}

#[test]
fn a_client_of_the_stream_that_reads_nothing_is_disconnected() {
    let api = Api::with(|config| {
        config.write_timeouts = StallTimeouts {
            running: SHORT_TIMEOUT,
            stopping: SHORT_TIMEOUT,
        };
    });
    make_large(&api, 8 << 20);
    let mut connection = connect(&api, "");
    connection.read_exact(&mut [0; 12]).unwrap();
    let room = || {
        api.client
            .get("/metrics")
            .text()
            .contains("lastcall_http_event_streams 0")
    };
    while !room() {
        std::thread::yield_now();
    }
    assert!(!rest(connection).contains("event: end"));
}

#[test]
fn a_client_of_the_stream_that_reads_nothing_delays_neither_the_shutdown_nor_others() {
    let api = Api::with(|config| {
        config.write_timeouts = StallTimeouts {
            running: FOREVER,
            stopping: FOREVER,
        };
    });
    make_large(&api, 16 << 20);
    let mut deaf = connect(&api, "");
    deaf.read_exact(&mut [0; 12]).unwrap();
    api.system.services.lock().unwrap()[0].last_fault = None;
    let mut events = follow(&api);
    while !events.expect("system")["services"][0]["last_fault"].is_null() {}
    api.system.phase.send_replace(Phase::LameDuck);
    close(&api);
    api.system.phase.send_replace(Phase::Stopped);
    expect_phase(&mut events, "stopped");
    end(&api);
    while events.next().is_some_and(|(name, _)| name == "system") {}
}

#[test]
fn over_http_2_the_stream_outlives_the_other_requests_of_its_connection() {
    let api = secure::start(|_| {});
    runtime().block_on(async {
        let client = Client::connect(&api).await;
        let (answer, _) = client.begin("GET", PATH, true).await;
        let answer = answer.await.unwrap();
        assert_eq!(answer.status(), 200);
        let mut body = answer.into_body();
        let mut text = String::new();
        until(&mut body, &mut text, "event: system").await;
        // One of the same connection is finished first.
        let idle = Client::connect(&api).await;
        let mut ready = client.requests.clone().ready().await.unwrap();
        api.system.phase.send_replace(Phase::Draining);
        let closed = timeout(TIMEOUT, api.state.close_connections());
        closed.await.expect("nothing waits for the stream");
        idle.closed().await;
        // Sent by a client that has not received the GOAWAY yet, or ignores it.
        let request = http::Request::get("https://localhost/livez")
            .body(())
            .unwrap();
        let refused = match ready.send_request(request, true) {
            Ok((answer, _)) => answer.await.unwrap_err(),
            Err(error) => error,
        };
        let reason = refused.reason();
        assert!(
            refused.is_go_away() || reason == Some(h2::Reason::REFUSED_STREAM),
            "{refused}"
        );
        api.state.cut_connections();
        api.system.phase.send_replace(Phase::HandingBack);
        until(&mut body, &mut text, "handing_back").await;
        api.state
            .end_system_streams(report(), LAST_EVENT_TIMEOUT)
            .await;
        until(&mut body, &mut text, "event: end").await;
        while let Some(chunk) = body.data().await {
            text.push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        }
        assert!(text.ends_with("}\n\n"), "{text}");
        client.closed().await;
    });
}

/// Reads until the text that was read contains `part`.
async fn until(body: &mut h2::RecvStream, text: &mut String, part: &str) {
    while !text.contains(part) {
        let chunk = timeout(TIMEOUT, body.data()).await.expect("there is news");
        let chunk = chunk.expect("the stream goes on").unwrap();
        body.flow_control().release_capacity(chunk.len()).unwrap();
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
}

#[test]
fn a_request_in_progress_on_the_connection_of_a_stream_is_finished() {
    let api = secure::start(|_| {});
    runtime().block_on(async {
        let client = Client::connect(&api).await;
        let (upload, mut sent) = client.begin("POST", "/v1/sessions", false).await;
        let (answer, _) = client.begin("GET", PATH, true).await;
        let mut body = answer.await.unwrap().into_body();
        until(&mut body, &mut String::new(), "event: system").await;
        api.system.phase.send_replace(Phase::Draining);
        let closed = api.state.close_connections();
        tokio::pin!(closed);
        tokio::select! {
            () = &mut closed => panic!("it does not wait for the request"),
            () = client.sent_away() => {}
        }
        sent.send_data(bytes::Bytes::from_static(b"{}"), true)
            .unwrap();
        let ((), upload) = tokio::join!(&mut closed, upload);
        assert_eq!(upload.unwrap().status(), 201);
    });
}
