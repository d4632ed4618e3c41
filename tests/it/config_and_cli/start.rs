//! Starts that fail: exit code 69, a reason, and nothing left behind.

use std::net::TcpListener;
use std::path::Path;

use nix::sys::signal::Signal;
use serde_json::json;

use crate::support::raw::Connection;
use crate::support::{Client, Home, lastcall, process, until};

#[test]
fn a_port_in_use_is_reported_and_the_store_is_closed() {
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = home
        .service()
        .set("server.bind", &address)
        .spawn()
        .wait()
        .expect(69);
    assert!(
        ended.says("server.bind") && ended.says(&address),
        "{ended:#?}"
    );
    // The next start is neither refused nor reports a crash.
    let service = home.start();
    assert!(
        !service
            .messages()
            .iter()
            .any(|line| line.contains("uncleanly"))
    );
    service.stop();
}

#[test]
fn a_second_process_on_the_same_file_is_refused_and_the_first_not_disturbed() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session_with_birds();
    let ended = home.service().spawn().wait().expect(69);
    assert!(ended.says("store.url"), "{ended:#?}");
    let job = client.profile(&session, "birds");
    client.succeeded(&job);
    service.stop();
    let service = home.start();
    service.wait_for_line("previous run ended cleanly");
    service.stop();
}

#[test]
fn a_store_that_cannot_be_opened_is_reported() {
    let home = Home::new();
    let file = home.path().join("file");
    std::fs::write(&file, "this is no database, and has never been one").unwrap();
    for url in [
        format!("sqlite://{}/below/lastcall.db", file.display()),
        format!("sqlite://{}", file.display()),
    ] {
        let ended = home
            .service()
            .set("store.url", &url)
            .set("state.dir", home.path().join("state").display().to_string())
            .spawn()
            .wait()
            .expect(69);
        assert!(ended.says("store.url"), "{ended:#?}");
    }
}

#[test]
fn blobs_that_cannot_be_written_are_reported() {
    let home = Home::new();
    let file = home.path().join("file");
    std::fs::write(&file, "").unwrap();
    let url = format!("file://{}/below", file.display());
    let ended = home
        .service()
        .set("blobs.url", &url)
        .spawn()
        .wait()
        .expect(69);
    assert!(ended.says("blobs.url"), "{ended:#?}");
}

#[test]
fn a_database_that_does_not_answer_is_reported_without_its_password() {
    let closed = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = closed.local_addr().unwrap().port();
    drop(closed);
    let home = Home::new();
    let url = format!("postgres://user:s3cret@127.0.0.1:{port}/db?password=s3cret");
    let ended = home
        .service()
        .set("store.url", url)
        .set("state.dir", home.path().join("state").display().to_string())
        .spawn()
        .wait()
        .expect(69);
    assert!(
        ended.says("store.url") && ended.says("127.0.0.1"),
        "{ended:#?}"
    );
    assert!(!ended.says("s3cret"), "{ended:#?}");
}

#[test]
fn too_few_files_are_reported() {
    let home = Home::new();
    let service = home.service();
    let mut command = service.command_of(Path::new("/bin/sh"));
    let program = env!("CARGO_BIN_EXE_lastcall");
    command.args(["-c", "ulimit -n 64 && exec \"$0\"", program]);
    let ended = service.spawn_by(command).wait().expect(69);
    assert!(ended.says("limit of open files"), "{ended:#?}");
}

#[test]
fn the_limit_of_open_files_is_raised_as_far_as_it_may_be() {
    let home = Home::new();
    let service = home.service();
    let mut command = service.command_of(Path::new("/bin/sh"));
    let program = env!("CARGO_BIN_EXE_lastcall");
    let limited = "ulimit -S -n 200 && ulimit -H -n 1000 && exec \"$0\"";
    command.args(["-c", limited, program]);
    let mut service = service.spawn_by(command);
    service.ready();
    assert_eq!(process::soft_limit_of_files(service.pid()), 1000);
    service.stop();
}

#[test]
fn an_address_of_its_own_answers_for_health_and_nothing_else() {
    let home = Home::new();
    let mut service = home
        .service()
        .set("server.admin_bind", "127.0.0.1:0")
        .set("server.max_connections", "2")
        .start();
    let admin = service.admin_address();
    // All connections of the other address are taken.
    let mut taken: Vec<_> = (0..2)
        .map(|_| Connection::open(service.address()))
        .collect();
    for connection in &mut taken {
        assert_eq!(connection.get("/livez").status, 200);
    }
    let client = Client::new(&format!("http://{admin}"));
    for path in ["/livez", "/readyz", "/metrics", "/v1/system"] {
        client.get(path).expect(200);
    }
    client.get("/v1/sessions").expect_problem(404, "not_found");
    client.get("/docs").expect_problem(404, "not_found");
    // Beyond the bound one waits, and is served when there is room.
    let mut waiting = Connection::open(service.address());
    waiting.request("GET", "/livez");
    drop(taken.pop());
    assert_eq!(waiting.answer().status, 200);
    service.mark();
    client.post("/v1/system/drain", &json!({})).expect(202);
    service.wait().expect(0);
}

#[test]
fn port_0_picks_a_free_one_and_health_uses_the_given_port() {
    let home = Home::new();
    let mut service = home.start();
    let address = service.address().to_owned();
    assert!(!address.ends_with(":0"), "{address}");
    until("it is ready", || {
        let output = lastcall(["health"]).set("server.bind", &address).output();
        let output = output.expect(0);
        (output.stdout == format!("{address}: alive, ready")).then_some(())
    });
    service.signal(Signal::SIGTERM);
    service.wait().expect(0);
    let output = lastcall(["health"])
        .set("server.bind", &address)
        .output()
        .expect(69);
    assert!(output.stderr.contains(&address), "{output:#?}");
}
