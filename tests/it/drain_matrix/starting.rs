//! Signals that come before the service is ready.

use std::fs::OpenOptions;
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt;

use lastcall_actors::log_lines;
use nix::fcntl::OFlag;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::ROOM;
use crate::support::{Home, Service, data, process, until};

/// Waits until signals are handled; before that the operating system ends the process.
#[track_caller]
fn wait_for_signal_handlers(service: &Service) {
    until("it wait_for_signal_handlers to signals", || {
        let threads = process::threads(service.pid());
        threads.iter().any(|name| name == "signals").then_some(())
    });
}

#[test]
fn a_signal_at_any_moment_of_the_start_ends_it_in_order_and_loses_nothing() {
    let home = Home::new();
    let service = home.service().set("analysis.workers", "1").start();
    let client = service.client();
    let session = client.session_with_birds();
    let jobs: Vec<String> = (0..20).map(|_| client.profile(&session, "birds")).collect();
    service.kill9();

    for moment in 0..10 {
        let mut service = home.service().spawn();
        wait_for_signal_handlers(&service);
        // Not to wait for anything, but to come at another moment each time.
        std::thread::park_timeout(std::time::Duration::from_millis(4 * moment));
        let signal = if moment % 2 == 0 {
            Signal::SIGTERM
        } else {
            Signal::SIGINT
        };
        service.signal(signal);
        let ended = service.wait().expect(0).within(ROOM);
        assert_eq!(
            ended.log.last().map(String::as_str),
            Some(log_lines::ALL_DOWN),
            "{ended:#?}"
        );
    }

    let service = home.start();
    let client = service.client();
    for job in &jobs {
        client.succeeded(job);
    }
    service.stop();
}

/// Starts it with `signal` blocked, so that it is delivered at its first instruction at the
/// earliest, and sends it at once.
#[track_caller]
fn spawn_and_signal(home: &Home, signal: Signal) -> Service {
    let held: SigSet = [signal].into_iter().collect();
    held.thread_block().unwrap();
    let mut service = home.service().spawn();
    service.signal(signal);
    held.thread_unblock().unwrap();
    service
}

#[test]
fn a_signal_before_the_first_instruction_ends_the_start_in_order() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let home = Home::new();
        let service = spawn_and_signal(&home, signal);
        let ended = service.wait().expect(0).within(ROOM);
        assert!(ended.says(log_lines::SHUTTING_DOWN), "{ended:#?}");
        let last = ended.log.last().map(String::as_str);
        assert_eq!(last, Some(log_lines::ALL_DOWN), "{ended:#?}");
    }
}

#[test]
fn a_hangup_ends_nothing_at_any_time() {
    let home = Home::new();
    let mut service = spawn_and_signal(&home, Signal::SIGHUP);
    service.ready();
    service.wait_for_line("SIGHUP received: log.level INFO");
    for _ in 0..3 {
        service.signal(Signal::SIGHUP);
        assert_eq!(service.client().get("/readyz").status, 200);
    }
    service.stop();
}

#[test]
fn a_start_that_waits_for_its_database_can_be_ended() {
    // It accepts connections and never answers.
    let deaf = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = deaf.local_addr().unwrap().port();
    let home = Home::new();
    let mut service = home
        .service()
        .set(
            "store.url",
            format!("postgres://user:s3cret@127.0.0.1:{port}/db"),
        )
        .set("state.dir", home.path().join("state").display().to_string())
        .spawn();
    let (_connection, _) = deaf.accept().unwrap();
    service.signal(Signal::SIGTERM);
    let ended = service.wait().expect(0).within(ROOM);
    assert!(ended.says(log_lines::SHUTTING_DOWN), "{ended:#?}");
    assert!(!ended.says(log_lines::READY), "{ended:#?}");
    assert!(!ended.says("s3cret"), "{ended:#?}");
}

#[test]
fn a_third_signal_ends_even_a_start_that_hangs() {
    for (signal, code) in [(Signal::SIGTERM, 128 + 15), (Signal::SIGINT, 128 + 2)] {
        let home = Home::new();
        let pipe = home.path().join("shutdown-report.json");
        mkfifo(&pipe, Mode::S_IRWXU).unwrap();
        let mut service = home.service().spawn();
        // Opens only when somebody reads, and then nothing is ever written.
        let _silence = until("the start reads the last report", || {
            let mut options = OpenOptions::new();
            let pipe = options
                .write(true)
                .custom_flags(OFlag::O_NONBLOCK.bits())
                .open(&pipe);
            pipe.ok()
        });
        // Signals of one number that come faster than they are delivered are one signal.
        until("the third signal has ended it", || {
            if service.has_ended() {
                return Some(());
            }
            service.signal(signal);
            None
        });
        let ended = service.wait().expect(code);
        assert!(!ended.says(log_lines::ALL_DOWN), "{ended:#?}");
    }
}

#[test]
fn jobs_that_were_queued_wait_for_the_next_start() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session();
    client.upload(&session, "birds", data::BIRDS);
    let job = client.profile(&session, "birds");
    service.stop();
    let service = home.start();
    service.client().succeeded(&job);
    service.stop();
}
