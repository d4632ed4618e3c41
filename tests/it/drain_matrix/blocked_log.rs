//! A log that nobody reads: requests, jobs and signals are handled all the same.

use std::io::Read;
use std::net::TcpListener;
use std::process::{Child, ChildStderr};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use super::{EXIT_TIMEOUT, ROOM};
use crate::support::held::make_the_blob_block;
use crate::support::raw::Connection;
use crate::support::{Client, Home, TIMEOUT, data, free_address, until};

/// A small pipe is full soon.
const PIPE: i32 = 4096;
/// More lines, of more than a KiB each, than the pipe and the queue before it hold.
const LINES: usize = 2000;

/// A service whose log nobody reads.
struct Unread {
    child: Child,
    log: Option<ChildStderr>,
    address: String,
}

impl Unread {
    #[track_caller]
    fn start(home: &Home, format: &str) -> Self {
        // The ready line is not read, so the port is chosen here.
        let address = free_address();
        let service = home
            .service()
            .set("server.bind", &address)
            .set("shutdown.deadline", "60s")
            .set("shutdown.cancel_before", "50s")
            .set("log.level", "debug")
            .set("log.format", format);
        let mut child = service.command().spawn().unwrap();
        let log = child.stderr.take().unwrap();
        fcntl(&log, FcntlArg::F_SETPIPE_SZ(PIPE)).unwrap();
        let unread = Self {
            child,
            log: Some(log),
            address,
        };
        until("it is ready", || {
            let mut connection = Connection::try_open(&unread.address).ok()?;
            (connection.get("/readyz").status == 200).then_some(())
        });
        unread
    }

    fn client(&self) -> Client {
        Client::new(&format!("http://{}", self.address))
    }

    /// Fills the pipe and the queue before it; every request is answered all the same.
    fn fill(&self) {
        let mut connection = Connection::open(&self.address);
        let path = format!("/{}", "long".repeat(256));
        for _ in 0..LINES {
            assert_eq!(connection.get(&path).status, 404);
        }
    }

    fn signal(&self, signal: Signal) {
        let pid = self.child.id().try_into().unwrap();
        kill(Pid::from_raw(pid), signal).unwrap();
    }

    /// Waits for its end; the exit code.
    #[track_caller]
    fn ends_within(mut self, bound: Duration) -> Option<i32> {
        let begun = Instant::now();
        let (ended, end) = channel();
        let log = self.log.take();
        let pid = Pid::from_raw(self.child.id().try_into().unwrap());
        let waiter = std::thread::spawn(move || {
            let status = self.child.wait().unwrap();
            let _ = ended.send(begun.elapsed());
            status
        });
        let elapsed = end.recv_timeout(TIMEOUT);
        if elapsed.is_err() {
            kill(pid, Signal::SIGKILL).unwrap();
        }
        let status = waiter.join().unwrap();
        drop(log);
        let elapsed = elapsed.expect("it ends though nobody reads its log");
        assert!(elapsed <= bound, "{elapsed:?}");
        status.code()
    }
}

#[test]
fn requests_jobs_and_the_shutdown_go_on_and_the_exit_code_is_right() {
    for format in ["text", "json"] {
        let home = Home::new();
        let service = Unread::start(&home, format);
        service.fill();
        let client = service.client();
        let session = client.session_with_birds();
        let job = client.profile(&session, "birds");
        client.succeeded(&job);
        let dropped = metric(&client, "lastcall_log_dropped_lines_total");
        assert!(dropped > 0.0, "{dropped}");
        service.signal(Signal::SIGTERM);
        assert_eq!(service.ends_within(2 * ROOM), Some(0), "{format}");
        assert_eq!(home.report()["clean"], true);
    }
}

#[test]
fn a_third_signal_ends_the_process_at_once() {
    let home = Home::new();
    let service = Unread::start(&home, "text");
    let client = service.client();
    let session = client.session();
    client.upload(&session, "deaf", data::BIRDS);
    make_the_blob_block(&home);
    let job = client.profile(&session, "deaf");
    client.wait_for(&job, "running");
    service.fill();
    service.signal(Signal::SIGTERM);
    // Without a lame duck the listener closes at once, so a refused connection counts too.
    until("the shutdown begins", || {
        let system = client.try_get("/v1/system").ok();
        let running = system.is_some_and(|answer| answer.json()["phase"] == "running");
        (!running).then_some(())
    });
    // Two of different numbers are never taken for one.
    service.signal(Signal::SIGINT);
    service.signal(Signal::SIGTERM);
    let code = service.ends_within(EXIT_TIMEOUT + ROOM);
    assert!(matches!(code, Some(130 | 143)), "{code:?}");
}

#[test]
fn the_log_says_what_was_dropped_when_it_is_read_again() {
    let home = Home::new();
    let mut service = Unread::start(&home, "json");
    service.fill();
    let log = service.log.take().unwrap();
    let reader = std::thread::spawn(move || {
        let (mut text, mut log) = (String::new(), log);
        log.read_to_string(&mut text).unwrap();
        text
    });
    service.signal(Signal::SIGTERM);
    assert_eq!(service.ends_within(2 * ROOM), Some(0));
    let text = reader.join().unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("every line is JSON"))
        .collect();
    let messages = lines.iter().filter_map(|line| line["message"].as_str());
    let notes = messages.filter(|message| message.contains("of the log dropped"));
    assert!(notes.count() > 0, "{}", lines.len());
    let last = lines.last().unwrap();
    assert_eq!(last["message"], lastcall_actors::log_lines::ALL_DOWN);
}

#[test]
fn a_start_that_fails_ends_with_its_exit_code() {
    let home = Home::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let service = home
        .service()
        .set("server.bind", &address)
        .set("log.level", "trace");
    let mut child = service.command().spawn().unwrap();
    let log = child.stderr.take().unwrap();
    fcntl(&log, FcntlArg::F_SETPIPE_SZ(PIPE)).unwrap();
    let service = Unread {
        child,
        log: Some(log),
        address,
    };
    assert_eq!(service.ends_within(4 * ROOM), Some(69));
}

#[track_caller]
fn metric(client: &Client, name: &str) -> f64 {
    let text = client.get("/metrics").expect(200).text();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.expect("the metric is there").trim().parse().unwrap()
}
