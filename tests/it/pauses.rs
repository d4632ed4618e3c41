//! SIGSTOP and SIGCONT, as a frozen container or a migrated machine: no service is restarted and
//! no attempt is spent, idle and busy.

use std::thread::sleep;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::service::Builder;
use crate::support::{Database, HeldQueries, Home, Service, data};

/// Longer than a lease, and than a child may be silent.
const PAUSE: Duration = Duration::from_millis(6500);
/// Long enough for another heartbeat of every child and a check of every lease.
const AFTERWARDS: Duration = Duration::from_secs(3);

#[expect(
    clippy::disallowed_methods,
    reason = "a pause of the process is a length of time, and so is what it may break afterwards"
)]
fn pause(service: &Service) {
    let pid = Pid::from_raw(service.pid());
    kill(pid, Signal::SIGSTOP).unwrap();
    sleep(PAUSE);
    kill(pid, Signal::SIGCONT).unwrap();
    sleep(AFTERWARDS);
}

#[track_caller]
fn nothing_was_restarted(service: &Service) {
    let system = service.client().system();
    for child in system["services"].as_array().expect("a list of services") {
        assert_eq!(child["restarts"], 0, "{system:#}");
        assert_eq!(child["hung"], 0, "{system:#}");
        assert_eq!(child["state"], "running", "{system:#}");
    }
}

fn outlasts_pauses(builder: Builder) {
    let service = builder.start();
    let client = service.client();
    let session = client.session_with_birds();
    pause(&service);
    nothing_was_restarted(&service);

    let held = HeldQueries::of(&service);
    let jobs: Vec<String> = (0..2).map(|_| client.sql(&session, data::COUNT)).collect();
    for job in &jobs {
        client.wait_for(job, "running");
    }
    pause(&service);
    pause(&service);
    nothing_was_restarted(&service);
    held.release();
    for job in &jobs {
        let job = client.succeeded(job);
        assert_eq!(job["attempt"], 1, "{job:#}");
        assert_eq!(job["interruptions"], 0, "{job:#}");
    }
    service.stop();
}

#[test]
fn pauses_restart_nothing_and_spend_no_attempt_on_sqlite() {
    outlasts_pauses(Home::new().service());
}

#[test]
fn pauses_restart_nothing_and_spend_no_attempt_on_postgresql() {
    let (home, database) = (Home::new(), Database::new());
    outlasts_pauses(home.service().set("store.url", &database.url));
}
