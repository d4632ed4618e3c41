//! Starts that cannot be: exit code 69, a reason, and nothing left behind.

use std::net::TcpListener;

use nix::sys::signal::Signal;

use crate::support::{Home, lastcall};

#[test]
fn a_port_in_use_is_said_and_the_store_is_left_in_order() {
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
    // The next start is neither kept out nor told of a crash.
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
fn a_store_that_cannot_be_opened_is_said() {
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
fn blobs_that_cannot_be_written_are_said() {
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
fn a_database_that_does_not_answer_is_said_without_its_password() {
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
fn port_0_picks_a_free_one_and_health_asks_the_port_that_it_is_told() {
    let home = Home::new();
    let mut service = home.start();
    let address = service.address().to_owned();
    assert!(!address.ends_with(":0"), "{address}");
    lastcall(["health"])
        .set("server.bind", &address)
        .output()
        .expect(0);
    service.signal(Signal::SIGTERM);
    service.wait().expect(0);
    let output = lastcall(["health"])
        .set("server.bind", &address)
        .output()
        .expect(69);
    assert!(output.stderr.contains(&address), "{output:#?}");
}
