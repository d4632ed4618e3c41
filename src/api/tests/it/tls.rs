//! TLS: who loses a connection over it.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use lastcall_api::StallTimeouts;
use lastcall_domain::Service;
use rustls::{ClientConnection, StreamOwned};

use crate::fixture::Api;
use crate::secure::{self, Client, TIMEOUT};

const LARGE: usize = 32 << 20;
const SHORT_TIMEOUT: Duration = Duration::from_millis(200);

/// A client of HTTP/1.1.
fn connect(api: &Api) -> StreamOwned<ClientConnection, TcpStream> {
    let stream = TcpStream::connect(api.address).unwrap();
    stream.set_read_timeout(Some(TIMEOUT)).unwrap();
    let config = secure::client_config(b"http/1.1");
    let connection = ClientConnection::new(Arc::clone(&config), secure::server_name()).unwrap();
    StreamOwned::new(connection, stream)
}

fn read_head(connection: &mut impl Read) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let mut byte = [0];
        connection.read_exact(&mut byte).unwrap();
        head.push(char::from(byte[0]));
    }
    head
}

#[test]
fn one_connection_serves_many_requests_of_http_1() {
    let api = secure::start(|_| {});
    let mut connection = connect(&api);
    for _ in 0..3 {
        write!(
            connection,
            "HEAD /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
        )
        .unwrap();
        assert!(read_head(&mut connection).starts_with("HTTP/1.1 200"));
    }
}

#[test]
fn a_client_that_stops_reading_loses_its_connection_with_tls_too() {
    let api = secure::start(|config| {
        config.write_timeouts = StallTimeouts {
            running: SHORT_TIMEOUT,
            stopping: SHORT_TIMEOUT,
        };
    });
    let path = secure::runtime().block_on(async {
        let client = Client::connect(&api).await;
        let session = client.session().await;
        let path = format!("{session}/datasets/a");
        let request = http::Request::put(format!("https://localhost{path}"))
            .header("content-type", "text/csv");
        let (answer, mut sent) = client.request(request.body(()).unwrap(), false).await;
        sent.send_data("a\n1\n".into(), true).unwrap();
        assert_eq!(answer.await.unwrap().status(), 201);
        let body = r#"{"dataset": "a"}"#;
        let (status, job) = client
            .send("POST", &format!("{session}/analyses"), body)
            .await;
        assert_eq!(status, 202);
        let job: serde_json::Value = serde_json::from_slice(&job).unwrap();
        job["links"]["result"].as_str().unwrap().to_owned()
    });
    api.work_to_blob(Service::Analysis, "application/json", &vec![b'x'; LARGE]);
    let mut connection = connect(&api);
    write!(connection, "GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert!(read_head(&mut connection).starts_with("HTTP/1.1 200"));
    secure::runtime().block_on(async {
        let settled = tokio::time::timeout(TIMEOUT, api.state.requests_finished());
        settled.await.expect("every request is finished");
    });
    let mut rest = Vec::new();
    let cut = connection.read_to_end(&mut rest);
    assert!(cut.is_err() || rest.len() < LARGE);
}

#[test]
fn a_client_that_begins_no_tls_gives_its_connection_up() {
    let api = secure::start(|config| config.max_connections = 1);
    let mut silent = TcpStream::connect(api.address).unwrap();
    silent.set_read_timeout(Some(TIMEOUT)).unwrap();
    let mut end = [0];
    match silent.read(&mut end) {
        Ok(read) => assert_eq!(read, 0),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
    let mut plain = TcpStream::connect(api.address).unwrap();
    write!(plain, "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    write!(
        connect(&api),
        "GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n"
    )
    .unwrap();
}
