use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use lastcall_actors::Phase;
use lastcall_domain::Service;
use serde_json::json;

use crate::fixture::{Api, block};

/// Sends a request on a connection of its own; the head of the answer, and whether the server
/// then closed the connection.
fn ask(api: &Api, request: &str) -> (String, bool) {
    let mut connection = TcpStream::connect(api.address).unwrap();
    write!(connection, "{request}").unwrap();
    let mut reader = BufReader::new(connection);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut head).unwrap(), 0, "{head}");
    }
    let length = head
        .lines()
        .find_map(|line| {
            line.to_ascii_lowercase()
                .strip_prefix("content-length: ")
                .map(str::to_owned)
        })
        .map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let closed = head
        .to_ascii_lowercase()
        .contains("\r\nconnection: close\r\n");
    if closed {
        let mut rest = Vec::new();
        reader.read_to_end(&mut rest).unwrap();
        assert!(rest.is_empty());
    }
    (head, closed)
}

#[test]
fn from_lame_duck_on_every_answer_closes_its_connection_errors_included() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let requests = [
        "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
        "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
        "GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
        "GET /v1/jobs/x HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
        "PATCH /v1/jobs HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
        "GET /v1/jobs?limit=x HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(),
        "GET /livez HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n".to_owned(),
        format!("DELETE {session}/datasets/penguins HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        "POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}".to_owned(),
        "POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\n{".to_owned(),
    ];
    for request in &requests[..7] {
        assert!(!ask(&api, request).1, "{request}");
    }
    for phase in [Phase::LameDuck, Phase::Draining, Phase::HandingBack] {
        api.system.phase.send_replace(phase);
        for request in &requests {
            let (head, closed) = ask(&api, request);
            assert!(closed, "{request}{head}");
        }
    }
}

#[test]
fn an_answer_to_a_panic_closes_its_connection_too() {
    let api = Api::start();
    api.system.phase.send_replace(Phase::LameDuck);
    api.panic_next();
    let (head, closed) = ask(&api, "GET /v1/system HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 500"), "{head}");
    assert!(closed, "{head}");
}

#[test]
fn jobs_are_still_accepted_in_the_lame_duck_period() {
    let api = Api::start();
    let session = api.session_with_penguins();
    api.client.raw("POST", "/v1/system/drain", b"").expect(202);
    let job = api.profile(&session);
    assert!(api.claim(Service::Analysis).is_some());
    let path = job["links"]["self"].as_str().unwrap();
    assert_eq!(api.client.get(path).ok(200)["state"], "running");
}

#[test]
fn a_request_for_the_shutdown_is_answered_with_the_lame_duck_phase() {
    let api = Api::start();
    let (head, closed) = ask(
        &api,
        "POST /v1/system/drain HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n",
    );
    assert!(head.starts_with("HTTP/1.1 202"), "{head}");
    assert!(closed, "{head}");
    let readiness = api.client.get("/readyz");
    assert_eq!(readiness.ok(503), json!({"status": "draining"}));
}

#[test]
fn a_wait_ends_with_a_shutdown() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let body = json!({"dataset": "penguins"});
    let reply = std::thread::scope(|scope| {
        let posted = scope.spawn(|| {
            api.client
                .with("prefer", "wait=60")
                .post(&format!("{session}/analyses"), &body)
        });
        while api.claim(Service::Analysis).is_none() {
            std::thread::yield_now();
        }
        api.system.phase.send_replace(Phase::LameDuck);
        posted.join().unwrap()
    });
    assert_eq!(reply.header("connection"), "close");
    assert_eq!(reply.ok(202)["state"], "queued");
}

#[test]
fn what_is_no_http_closes_its_connection_at_any_time() {
    let api = Api::start();
    for phase in [Phase::Running, Phase::LameDuck] {
        api.system.phase.send_replace(phase);
        let (head, closed) = ask(&api, "GET / HTTP/9.9\r\nHost: localhost\r\n\r\n");
        assert!(head.starts_with("HTTP/1.1 400"), "{head}");
        assert!(closed, "{head}");
    }
}

#[test]
fn asking_for_a_shutdown_that_has_begun_changes_nothing() {
    let api = Api::start();
    api.system.phase.send_replace(Phase::Draining);
    api.client.raw("POST", "/v1/system/drain", b"").expect(202);
    assert_eq!(*api.system.drains.lock().unwrap(), 0);
}

#[test]
fn a_request_is_unfinished_until_the_client_has_the_whole_response() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let job = api.profile(&session);
    // More than the buffers between the server and the client hold.
    let large = vec![b'x'; 32 << 20];
    api.work_to_blob(Service::Analysis, "application/json", &large);
    api.system.phase.send_replace(Phase::LameDuck);
    block(api.state.requests_finished());
    assert_eq!(api.state.unfinished_requests(), 0);

    let path = job["links"]["result"].as_str().unwrap();
    let mut connection = TcpStream::connect(api.address).unwrap();
    write!(connection, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut first = [0; 1];
    connection.read_exact(&mut first).unwrap();
    assert_ne!(api.state.unfinished_requests(), 0);
    let mut rest = Vec::new();
    connection.read_to_end(&mut rest).unwrap();
    assert!(rest.len() > large.len());
    block(api.state.requests_finished());
    assert_eq!(api.state.unfinished_requests(), 0);
}

#[test]
fn a_client_that_disconnected_or_is_idle_has_no_unfinished_request() {
    let api = Api::start();
    let idle = TcpStream::connect(api.address).unwrap();
    let session = api.session_with_penguins();
    let mut gone = TcpStream::connect(api.address).unwrap();
    write!(
        gone,
        "PUT {session}/datasets/a HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/csv\r\n\
         Content-Length: 4\r\nExpect: 100-continue\r\n\r\n"
    )
    .unwrap();
    let mut interim = [0; 25];
    gone.read_exact(&mut interim).unwrap();
    drop(gone);
    block(api.state.requests_finished());
    drop(idle);
}
