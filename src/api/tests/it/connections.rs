//! Connections: their number, timeouts, HTTP/1.0 and `Expect`.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use lastcall_actors::Phase;
use lastcall_api::{ApiKey, Auth, Role, StallTimeouts};
use lastcall_domain::Service;
use serde_json::Value;

use crate::fixture::Api;

/// More than the buffers between the server and a client hold.
const LARGE: usize = 32 << 20;
const TIMEOUT: Duration = Duration::from_secs(60);
const FOREVER: Duration = Duration::from_secs(3600);
const SHORT_TIMEOUT: Duration = Duration::from_millis(200);

/// The path of a result that does not fit into any buffer.
fn large_result(api: &Api) -> String {
    let session = api.session_with_penguins();
    let job = api.profile(&session);
    api.work_to_blob(Service::Analysis, "application/json", &vec![b'x'; LARGE]);
    job["links"]["result"].as_str().unwrap().to_owned()
}

fn connect(api: &Api) -> TcpStream {
    let connection = TcpStream::connect(api.address).unwrap();
    connection.set_read_timeout(Some(TIMEOUT)).unwrap();
    connection
}

/// Everything until the server closes the connection.
pub(crate) fn rest(mut connection: TcpStream) -> String {
    let mut rest = Vec::new();
    match connection.read_to_end(&mut rest) {
        Err(error) if error.kind() != ErrorKind::ConnectionReset => panic!("{error}"),
        _ => String::from_utf8_lossy(&rest).into_owned(),
    }
}

fn settled(api: &Api) {
    let state = api.state.clone();
    let settled = async move { tokio::time::timeout(TIMEOUT, state.requests_finished()).await };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    runtime
        .block_on(settled)
        .expect("every request is finished");
}

/// A client that begins to read a large answer and then reads no more.
fn stall(api: &Api) -> TcpStream {
    let path = large_result(api);
    let mut connection = connect(api);
    write!(connection, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    connection.read_exact(&mut [0]).unwrap();
    connection
}

#[test]
fn a_client_that_stops_reading_loses_its_connection() {
    let api = Api::with(|config| {
        config.write_timeouts = StallTimeouts {
            running: SHORT_TIMEOUT,
            stopping: SHORT_TIMEOUT,
        };
    });
    let connection = stall(&api);
    settled(&api);
    assert!(rest(connection).len() < LARGE);
}

#[test]
fn a_client_that_stops_reading_holds_up_no_shutdown() {
    let api = Api::with(|config| {
        config.write_timeouts = StallTimeouts {
            running: FOREVER,
            stopping: SHORT_TIMEOUT,
        };
    });
    let connection = stall(&api);
    assert_ne!(api.state.unfinished_requests(), 0);
    api.system.phase.send_replace(Phase::LameDuck);
    settled(&api);
    assert!(rest(connection).len() < LARGE);
}

#[test]
fn a_client_that_reads_slowly_gets_all_of_it() {
    let api = Api::with(|config| {
        config.write_timeouts = StallTimeouts {
            running: Duration::from_secs(2),
            stopping: SHORT_TIMEOUT,
        };
    });
    let mut connection = stall(&api);
    let (mut read, mut buffer) = (1, vec![0; 1 << 20]);
    loop {
        match connection.read(&mut buffer).unwrap() {
            0 => panic!("cut off after {read} bytes"),
            bytes => read += bytes,
        }
        if read >= LARGE {
            break;
        }
        std::thread::yield_now();
    }
}

#[test]
fn a_client_that_stops_sending_holds_up_no_shutdown() {
    let api = Api::with(|config| {
        config.read_timeouts = StallTimeouts {
            running: FOREVER,
            stopping: SHORT_TIMEOUT,
        };
    });
    let session = api.session();
    let upload = (format!("PUT {session}/datasets/a"), "text/csv");
    let submission = (format!("POST {session}/analyses"), "application/json");
    let begun = [upload, submission].map(|(request, media_type)| {
        let mut connection = connect(&api);
        write!(
            connection,
            "{request} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {media_type}\r\n\
             Content-Length: 8\r\nExpect: 100-continue\r\n\r\n"
        )
        .unwrap();
        let mut interim = [0; 25];
        connection.read_exact(&mut interim).unwrap();
        connection.write_all(b"{ ").unwrap();
        connection
    });
    assert_ne!(api.state.unfinished_requests(), 0);
    api.system.phase.send_replace(Phase::LameDuck);
    settled(&api);
    for connection in begun {
        let answer = rest(connection);
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        assert!(answer.contains("body_timeout"), "{answer}");
    }
    assert!(api.blobs.keys().is_empty());
}

/// Asks whether a body may be sent; the first line of the answer.
fn ask_first(api: &Api, method: &str, path: &str, headers: &str) -> String {
    let mut connection = connect(api);
    write!(
        connection,
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n{headers}\r\n"
    )
    .unwrap();
    let mut line = String::new();
    while !line.ends_with("\r\n") {
        let mut byte = [0];
        connection.read_exact(&mut byte).unwrap();
        line.push(char::from(byte[0]));
    }
    line.trim_end().to_owned()
}

#[test]
fn a_request_with_expect_is_refused_before_its_body() {
    let api = Api::with(|config| config.max_body = 1000);
    let session = api.session();
    let dataset = format!("{session}/datasets/a.csv");
    let unknown = "/v1/sessions/0198a000-0000-7000-8000-000000000000";
    let ask = |method, path: &str, length| {
        ask_first(&api, method, path, &format!("Content-Length: {length}\r\n"))
    };
    let ok = "HTTP/1.1 100 Continue";
    assert_eq!(ask("PUT", &dataset, 1000), ok);
    assert_eq!(ask("PUT", &dataset, 1001), "HTTP/1.1 413 Payload Too Large");
    let missing = "HTTP/1.1 404 Not Found";
    assert_eq!(
        ask("PUT", &format!("{unknown}/datasets/a.csv"), 10),
        missing
    );
    assert_eq!(ask("POST", &format!("{unknown}/analyses"), 10), missing);
    assert_eq!(ask("POST", &format!("{unknown}/reports"), 10), missing);
    assert_eq!(ask("POST", &format!("{session}/analyses"), 10), ok);
    assert_eq!(ask("POST", "/v1/sessions", 2), ok);
}

#[test]
fn a_request_with_expect_needs_its_key_before_its_body() {
    let key = ApiKey::new("web", [0; 32], Role::User);
    let api = Api::with(|config| config.auth = Auth::Keys(vec![key]));
    let line = ask_first(&api, "POST", "/v1/sessions", "Content-Length: 2\r\n");
    assert_eq!(line, "HTTP/1.1 401 Unauthorized");
}

#[test]
fn a_refusal_before_the_body_is_a_problem_document_like_any_other() {
    let api = Api::with(|config| config.max_body = 1000);
    let mut connection = connect(&api);
    write!(
        connection,
        "PUT {}/datasets/a.csv HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: mine\r\n\
         Expect: 100-continue\r\nContent-Length: 1001\r\n\r\n",
        api.session()
    )
    .unwrap();
    let text = rest(connection);
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let head = head.to_ascii_lowercase();
    for header in [
        "content-type: application/problem+json",
        "x-request-id: mine",
        "connection: close",
        "cache-control: no-store",
    ] {
        assert!(head.contains(header), "{header}: {head}");
    }
    let problem: Value = serde_json::from_str(body).unwrap();
    assert_eq!(problem["code"], "payload_too_large");
}

#[test]
fn an_old_client_is_sent_no_chunks() {
    let api = Api::start();
    let session = api.session_with_penguins();
    let job = api.profile(&session);
    api.work(Service::Analysis, "application/json", "{}");
    let path = job["links"]["events"].as_str().unwrap();
    let ask = |version: &str| {
        let mut connection = connect(&api);
        let request = format!("GET {path} {version}\r\nHost: localhost\r\n\r\n");
        connection.write_all(request.as_bytes()).unwrap();
        let text = rest(connection);
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        (head.to_ascii_lowercase(), body.to_owned())
    };
    let (head, _) = ask("HTTP/1.1\r\nConnection: close");
    assert!(head.contains("transfer-encoding: chunked"), "{head}");
    for version in ["HTTP/1.0", "HTTP/1.0\r\nConnection: keep-alive"] {
        let (head, body) = ask(version);
        assert!(head.starts_with("http/1.0 200"), "{head}");
        assert!(!head.contains("chunked"), "{head}");
        assert!(!head.contains("keep-alive"), "{head}");
        assert!(body.starts_with("retry: "), "{body}");
    }
}

#[test]
fn connections_beyond_the_bound_wait_until_there_is_room() {
    let api = Api::with(|config| config.max_connections = 3);
    let ask = |connection: &mut TcpStream| {
        connection
            .write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
            .unwrap();
    };
    let answered = |connection: &mut TcpStream| {
        let mut status = [0; 12];
        connection.read_exact(&mut status).unwrap();
        assert_eq!(&status, b"HTTP/1.1 200");
    };
    let mut open: Vec<_> = (0..3).map(|_| connect(&api)).collect();
    for connection in &mut open {
        ask(connection);
        answered(connection);
    }
    let mut waiting = connect(&api);
    ask(&mut waiting);
    waiting.set_read_timeout(Some(SHORT_TIMEOUT)).unwrap();
    let fault = waiting.read(&mut [0]).unwrap_err();
    assert!(
        matches!(fault.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        "{fault}"
    );
    drop(open.pop());
    waiting.set_read_timeout(Some(TIMEOUT)).unwrap();
    answered(&mut waiting);
}
