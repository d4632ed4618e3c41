use std::io::{Read, Write};
use std::net::TcpStream;

use lastcall_api::Code;
use serde_json::json;

use crate::fixture::Api;

#[test]
fn a_path_or_method_that_is_not_known_is_a_problem_document() {
    let api = Api::start();
    for path in [
        "/nothing",
        "/v1",
        "/v1/",
        "/v1/nothing",
        "/v2/jobs",
        "/v1/sessions/",
    ] {
        api.client.get(path).problem(404, "not_found");
    }
    for (method, path, allow) in [
        ("PUT", "/v1/sessions", "GET, HEAD, POST"),
        ("DELETE", "/livez", "GET, HEAD"),
        ("PATCH", "/v1/jobs/x", "GET, HEAD, DELETE"),
        ("GET", "/v1/sessions/x/analyses", "POST"),
        ("GET", "/v1/system/drain", "POST"),
    ] {
        let reply = api.client.send(method, path, ureq::SendBody::none());
        assert_eq!(reply.header("allow"), allow);
        reply.problem(405, "method_not_allowed");
    }
}

#[test]
fn a_handler_that_panics_is_answered_and_the_service_goes_on() {
    let api = Api::start();
    api.panic_next();
    let reply = api.client.with("x-request-id", "r-1").get("/v1/system");
    assert_eq!(reply.header("x-request-id"), "r-1");
    assert_eq!(reply.header("x-content-type-options"), "nosniff");
    reply.problem(500, "internal");
    api.client.get("/v1/system").expect(200);
}

#[test]
fn a_store_that_is_out_of_reach_is_said_and_heals() {
    let api = Api::start();
    let session = api.session_with_penguins();
    api.store.faults().set_down(true);
    let body = json!({"dataset": "penguins"});
    for reply in [
        api.client.get(&session),
        api.client.get("/v1/jobs"),
        api.client.post("/v1/sessions", &json!({})),
        api.client.post(&format!("{session}/analyses"), &body),
    ] {
        assert_eq!(reply.header("retry-after"), "1");
        reply.problem(503, "store_unavailable");
    }
    api.store.faults().clear();
    api.client.get(&session).expect(200);
}

#[test]
fn a_store_that_was_closed_means_that_the_service_is_draining() {
    let api = Api::start();
    let session = api.session();
    crate::fixture::block(lastcall_domain::Store::close(&api.store)).unwrap();
    let reply = api.client.get(&session);
    assert_eq!(reply.header("retry-after"), "1");
    reply.problem(503, "draining");
}

#[test]
fn every_answer_has_the_headers_that_all_answers_have() {
    let api = Api::start();
    let session = api.session();
    for path in ["/livez", "/nothing", "/v1/jobs", &session, "/v1/jobs/x"] {
        let reply = api.client.get(path);
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(reply.header("referrer-policy"), "no-referrer", "{path}");
        assert!(!reply.header("content-security-policy").is_empty());
        assert_eq!(reply.header("x-request-id").len(), 36, "{path}");
    }
    let named = api.client.with("x-request-id", "mine/7").get("/livez");
    assert_eq!(named.header("x-request-id"), "mine/7");
    let long = "x".repeat(129);
    let renamed = api.client.with("x-request-id", &long).get("/livez");
    assert_eq!(renamed.header("x-request-id").len(), 36);
}

#[test]
fn what_is_no_http_is_refused_without_harm() {
    let api = Api::start();
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /%zz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n",
    ] {
        let mut connection = TcpStream::connect(api.address).unwrap();
        connection.write_all(garbage).unwrap();
        let mut answer = Vec::new();
        // The server may close with a reset; it has to continue to serve.
        let _ = connection.read_to_end(&mut answer);
        assert!(
            answer.is_empty() || answer.starts_with(b"HTTP/1.1 4"),
            "{}",
            String::from_utf8_lossy(&answer)
        );
    }
    api.client.get("/livez").expect(200);
}

#[test]
fn a_client_that_would_rather_speak_another_protocol_is_answered_in_this_one() {
    let api = Api::start();
    let mut connection = TcpStream::connect(api.address).unwrap();
    write!(
        connection,
        "POST /v1/sessions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\
         Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n{{}}"
    )
    .unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 Created"), "{answer}");
    // The end of the connection is announced.
    assert!(answer.contains("\r\nconnection: close\r\n"), "{answer}");
    assert!(!answer.contains("connection: upgrade"), "{answer}");
}

#[test]
fn the_codes_are_unique_and_snake_case() {
    let mut names: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert!(names.iter().all(|name| {
        name.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    }));
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
}
