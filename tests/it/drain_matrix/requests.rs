//! Requests that are in progress when the signal comes.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use lastcall_actors::log_lines;
use nix::sys::signal::Signal;

use super::{EXIT_TIMEOUT, ROOM};
use crate::support::raw::Connection;
use crate::support::{Home, data};

/// The head of an upload of the birds, and half of its body.
fn begin_upload(connection: &mut Connection, session: &str) -> &'static str {
    let (first, second) = data::BIRDS.split_at(data::BIRDS.len() / 2);
    connection.write(&format!(
        "PUT /v1/sessions/{session}/datasets/birds HTTP/1.1\r\nHost: localhost\r\n\
         Content-Type: text/csv\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        data::BIRDS.len()
    ));
    // The handler reads the body: from here on the request is in progress.
    assert_eq!(connection.answer().status, 100);
    connection.write(first);
    second
}

#[test]
fn an_upload_in_progress_is_finished_and_kept() {
    let home = Home::new();
    let mut service = home.start();
    let session = service.client().session();
    let mut connection = Connection::open(service.address());
    let rest = begin_upload(&mut connection, &session);
    service.signal(Signal::SIGTERM);
    service.wait_for_line(log_lines::SHUTTING_DOWN);
    connection.write(rest);
    let answer = connection.answer();
    assert_eq!(answer.status, 201, "{answer:?}");
    assert!(answer.closes(), "{answer:?}");
    service.wait().expect(0);

    let service = home.start();
    let client = service.client();
    let job = client.profile(&session, "birds");
    assert_eq!(client.result(&job).json()["dataset"]["rows"], 10);
    service.stop();
}

#[test]
fn an_upload_that_never_ends_does_not_hold_up_the_end() {
    let home = Home::new();
    let mut service = home
        .service()
        .set("shutdown.deadline", "2s")
        .set("shutdown.cancel_before", "1s")
        .start();
    let session = service.client().session();
    let mut connection = Connection::open(service.address());
    begin_upload(&mut connection, &session);
    service.signal(Signal::SIGTERM);
    let ended = service.wait().within(Duration::from_secs(2) + EXIT_TIMEOUT);
    assert!(
        !ended.says(log_lines::ALL_DOWN),
        "a request had no answer: {ended:#?}"
    );
    assert_ne!(ended.code, Some(0), "{ended:#?}");

    let service = home.start();
    let client = service.client();
    let path = format!("/v1/sessions/{session}/datasets/birds");
    client.get(&path).expect_problem(404, "dataset_not_found");
    service.stop();
}

#[test]
fn idle_connections_do_not_hold_up_the_end() {
    let home = Home::new();
    let mut service = home.start();
    let mut used = Connection::open(service.address());
    used.get("/livez");
    let _unused = Connection::open(service.address());
    service.signal(Signal::SIGTERM);
    service.wait().expect(0).within(ROOM);
}

#[test]
fn clients_that_obey_connection_close_lose_no_request() {
    let home = Home::new();
    let mut service = home
        .service()
        .set("shutdown.deadline", "30s")
        .set("shutdown.lame_duck", "2s")
        .start();
    let client = service.client();
    let session = client.session_with_birds();
    let address = service.address().to_owned();
    let (answered, signalled) = (AtomicU64::new(0), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..8)
            .map(|number| {
                let path = match number % 4 {
                    0 => "/livez".to_owned(),
                    1 => format!("/v1/sessions/{session}"),
                    2 => format!("/v1/sessions/{session}/datasets/nothing"),
                    _ => "/v1/jobs?limit=1".to_owned(),
                };
                let (address, answered, signalled) = (&address, &answered, &signalled);
                scope.spawn(move || {
                    let mut connection = Connection::open(address);
                    // Any failure to answer panics in here, and so fails the test.
                    loop {
                        let answer = connection.get(&path);
                        assert!(matches!(answer.status, 200 | 404), "{answer:?}");
                        answered.fetch_add(1, Ordering::Relaxed);
                        if answer.closes() {
                            assert!(signalled.load(Ordering::SeqCst), "told too early");
                            return;
                        }
                    }
                })
            })
            .collect();
        crate::support::until("the load is on", || {
            (answered.load(Ordering::Relaxed) > 200).then_some(())
        });
        signalled.store(true, Ordering::SeqCst);
        service.signal(Signal::SIGTERM);
        for client in clients {
            client.join().expect("every request was answered");
        }
    });
    let ended = service.wait().expect(0);
    assert!(ended.says(log_lines::ALL_DOWN), "{ended:#?}");
}
