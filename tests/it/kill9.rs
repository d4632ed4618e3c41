//! `kill -9` at random moments, again and again, while clients submit, upload and read.
//!
//! After all of it every accepted request has been done exactly once, every announced result still
//! exists unchanged, and there is nothing that no client requested.
//!
//! The test kills 200 times. The long run:
//!
//! ```text
//! LASTCALL_KILLS=10000 cargo test --release --test it kill9 -- --nocapture
//! ```
//!
//! It prints its seed; `LASTCALL_SEED=…` repeats its choices, though not the operating system's.

mod clients;
mod promises;

use std::time::Duration;

use crate::support::service::Builder;
use crate::support::{Home, data};
use clients::Load;
use promises::Promises;

/// The longest run of a process after it was ready.
const LONGEST_LIFE: Duration = Duration::from_millis(300);

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// A service on which a job may be killed as often as it happens to be.
fn service(home: &Home) -> Builder {
    home.service()
        .set("jobs.max_attempts", "100")
        .set("sessions.ttl", "7days")
        // So few that the jobs keep pace with the clients.
        .set("analysis.max_queued", "100")
        .set("report.max_queued", "20")
}

#[test]
fn every_accepted_job_ends_once_and_every_announced_result_stays() {
    let kills = from_environment("LASTCALL_KILLS").unwrap_or(200);
    let seed = from_environment("LASTCALL_SEED").unwrap_or_else(|| fastrand::u64(..));
    eprintln!("{kills} kills, LASTCALL_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);

    let home = Home::new();
    let first = service(&home).start();
    let session = first.client().session();
    first.client().upload(&session, "birds", data::BIRDS);
    first.stop();

    let mut promises = Promises::new(session);
    for kill in 1..=kills {
        let service = service(&home).start();
        if kill > 1 {
            service.wait_for_line("previous run ended uncleanly");
        }
        promises.check_uploads(&service.client());
        let life = random.u64(..LONGEST_LIFE.as_millis() as u64);
        let load = Load::start(&service, &promises, random.fork());
        std::thread::park_timeout(Duration::from_millis(life));
        service.kill9();
        load.stop(&mut promises);
        if kill % 100 == 0 {
            eprintln!("{kill} kills: {promises}");
        }
    }

    let service = service(&home).start();
    let client = service.client();
    promises.submit_what_had_no_answer(&client);
    promises.check_every_job(&client);
    promises.check_uploads(&client);
    eprintln!("{kills} kills: {promises}");
    promises.check_that_the_load_was_real(kills);
    service.stop();
}
