//! The database becomes unavailable: before the first signal, for good or for a while, with or
//! without jobs in progress. The log names what could not be done, the process ends in time, and
//! nothing is lost.

use std::time::Duration;

use lastcall_actors::log_lines;
use nix::sys::signal::Signal;
use serde_json::{Value, json};

use super::{EXIT_TIMEOUT, ROOM};
use crate::support::line::{Line, State};
use crate::support::service::{Builder, CONTRACT_LINES};
use crate::support::{Database, HeldQueries, Home, Service, data, until};

const DEADLINE: Duration = Duration::from_secs(4);

const SHORT: [(&str, &str); 2] = [
    ("shutdown.deadline", "4s"),
    ("shutdown.cancel_before", "2s"),
];
const LONG: [(&str, &str); 1] = [("shutdown.deadline", "60s")];

fn service(home: &Home, url: &str, settings: &[(&str, &str)]) -> Builder {
    let service = home
        .service()
        .set("store.url", url)
        .set("state.dir", home.path().display().to_string());
    let settings = settings.iter();
    settings.fold(service, |service, (key, value)| service.set(key, *value))
}

/// A query in hand that stands still.
#[track_caller]
fn held_query(service: &Service) -> (String, HeldQueries) {
    let client = service.client();
    let session = client.session_with_birds();
    let held = HeldQueries::of(service);
    let job = client.sql(&session, data::COUNT);
    client.wait_for(&job, "running");
    (job, held)
}

#[track_caller]
fn row(database: &Database, job: &str) -> String {
    let columns = "state, attempt, interruptions, holder IS NOT NULL";
    let rows = database.query(&format!("SELECT {columns} FROM jobs WHERE id = '{job}'"));
    rows.concat()
}

/// The last run left the job to its lease, and its log says so; the next run, which has the
/// database, runs it.
#[track_caller]
fn was_left_and_runs_again(home: &Home, database: &Database, job: &str) {
    let report = home.report();
    let figures = ["left", "handed_back", "finished", "queued"].map(|name| &report[name]);
    assert_eq!(
        figures,
        [&json!(1), &json!(0), &json!(0), &Value::Null],
        "{report:#}"
    );
    let services = report["services"].as_array().unwrap();
    let left: Vec<&Value> = services.iter().map(|service| &service["left"]).collect();
    assert!(left.contains(&&json!([job])), "{report:#}");
    assert_eq!(
        (&report["clean"], &report["exit_code"]),
        (&json!(false), &json!(75))
    );
    // State 1 is running: it could not be changed.
    assert_eq!(row(database, job), "1|1|0|t");

    let service = service(home, &database.url, &[]).start();
    let job = service.client().succeeded(job);
    // The attempt was cut off, not handed back.
    assert_eq!(
        (&job["attempt"], &job["interruptions"]),
        (&json!(2), &json!(0)),
        "{job:#}"
    );
    service.stop();
}

#[test]
fn work_in_hand_is_left_to_its_lease_and_named_and_the_deadline_holds() {
    for state in [State::Gone, State::Silent] {
        let (home, database) = (Home::new(), Database::new());
        let line = Line::to(&database);
        let mut service = service(&home, &line.url, &SHORT).start();
        let (job, _held) = held_query(&service);
        line.set(state);
        service.signal(Signal::SIGTERM);
        let ended = service.wait().expect(75).within(DEADLINE + EXIT_TIMEOUT);
        let report = home.report();
        let took = Duration::from_millis(report["elapsed_ms"].as_u64().unwrap());
        assert!(took <= DEADLINE + EXIT_TIMEOUT, "{took:?}\n{ended:#?}");
        assert!(!ended.says(log_lines::ALL_DOWN), "{ended:#?}");
        assert!(!ended.says(log_lines::ANALYSIS_END), "{ended:#?}");
        let last = ended.log.last().unwrap();
        assert!(
            last.starts_with("not everything was finished") && last.contains(&job),
            "{last}"
        );
        was_left_and_runs_again(&home, &database, &job);
    }
}

#[test]
fn a_second_signal_ends_it_soon_though_the_deadline_is_far() {
    for state in [State::Gone, State::Silent] {
        let (home, database) = (Home::new(), Database::new());
        let line = Line::to(&database);
        let late = [
            ("shutdown.deadline", "60s"),
            ("shutdown.cancel_before", "2s"),
        ];
        let mut service = service(&home, &line.url, &late).start();
        let (job, _held) = held_query(&service);
        line.set(state);
        service.signal(Signal::SIGTERM);
        service.wait_for_line(log_lines::ANALYSIS_BEGIN);
        service.signal(Signal::SIGTERM);
        // As long as a deadline's hand-back and closing may take.
        let ended = service
            .wait()
            .expect(75)
            .within(Duration::from_secs(2) + 2 * ROOM);
        assert!(!ended.says(log_lines::ALL_DOWN), "{ended:#?}");
        was_left_and_runs_again(&home, &database, &job);
    }
}

#[test]
fn a_result_that_could_not_be_written_is_named_though_nothing_is_in_hand_any_more() {
    let (home, database) = (Home::new(), Database::new());
    let line = Line::to(&database);
    let lease = [("jobs.lease", "1s"), ("jobs.heartbeat", "200ms")];
    let mut service = service(&home, &line.url, &[&LONG[..], &lease].concat()).start();
    let (job, held) = held_query(&service);
    line.set(State::Gone);
    service.signal(Signal::SIGTERM);
    service.wait_for_line(log_lines::ANALYSIS_BEGIN);
    held.release();
    service.wait_for_line("cannot record the outcome");
    // Nothing is left to be waited for, long before the deadline.
    let ended = service.wait().expect(75);
    assert!(!ended.says(log_lines::ALL_DOWN), "{ended:#?}");
    assert!(ended.says("not everything was finished"), "{ended:#?}");
    assert_eq!(home.report()["phases"][2]["actual_ms"], 0);
    was_left_and_runs_again(&home, &database, &job);
}

#[test]
fn a_store_that_is_back_before_the_deadline_gets_the_result_and_the_end_is_clean() {
    for state in [State::Gone, State::Silent] {
        let (home, database) = (Home::new(), Database::new());
        let line = Line::to(&database);
        // So long that nothing is given up.
        let lease = [("jobs.lease", "60s")];
        let mut service = service(&home, &line.url, &[&LONG[..], &lease].concat()).start();
        let (job, held) = held_query(&service);
        line.set(state);
        service.signal(Signal::SIGTERM);
        service.wait_for_line(log_lines::ANALYSIS_BEGIN);
        let before = line.withheld();
        held.release();
        until("something was kept from the database", || {
            (line.withheld() > before).then_some(())
        });
        line.set(State::Whole);
        let ended = service.wait();
        let finished = home.report()["finished"].as_u64().unwrap();
        let row = row(&database, &job);
        if finished == 1 {
            let ended = ended.clone().expect(0);
            assert_eq!(ended.contract_lines(), CONTRACT_LINES, "{ended:#?}");
        } else {
            ended.clone().expect(75);
        }
        match state {
            // A query that is refused the columns of its table is handed back: it pays nothing.
            State::Gone if finished == 0 => assert_eq!(row, "0|0|1|f", "{ended:#?}"),
            _ => assert_eq!((row.as_str(), finished), ("2|1|0|f", 1), "{ended:#?}"),
        }
        let service = self::service(&home, &line.url, &LONG).start();
        service.client().succeeded(&job);
        service.stop();
    }
}

#[test]
fn an_idle_service_ends_at_once_and_well_when_connections_are_refused() {
    let (home, database) = (Home::new(), Database::new());
    let line = Line::to(&database);
    let mut service = service(&home, &line.url, &SHORT).start();
    line.set(State::Gone);
    service.signal(Signal::SIGTERM);
    let ended = service.wait().expect(0).within(ROOM);
    // Nothing was in flight; the log says that the queue could not be counted.
    assert_eq!(ended.contract_lines(), CONTRACT_LINES, "{ended:#?}");
    assert_eq!(home.report()["queued"], Value::Null);
}

#[test]
fn an_idle_service_ends_in_time_when_the_database_does_not_answer() {
    let (home, database) = (Home::new(), Database::new());
    let line = Line::to(&database);
    let mut service = service(&home, &line.url, &SHORT).start();
    line.set(State::Silent);
    let before = line.withheld();
    until("it asks for work", || {
        (line.withheld() > before).then_some(())
    });
    service.signal(Signal::SIGTERM);
    let ended = service.wait().within(DEADLINE + EXIT_TIMEOUT);
    // What became of a claim that had no answer is not known, and may be a job of a peer's soon.
    let clean = ended.says(log_lines::ALL_DOWN);
    assert_eq!(ended.code, Some(if clean { 0 } else { 75 }), "{ended:#?}");
    let report = home.report();
    assert_eq!(
        (&report["clean"], &report["left"]),
        (&json!(clean), &json!(0))
    );
}

#[test]
fn a_failed_start_is_no_run_and_a_crash_is_reported_by_the_start_that_recovers_from_it() {
    let (home, database) = (Home::new(), Database::new());
    let start = || service(&home, &database.url, &LONG).spawn();
    // What is left cannot be looked for.
    let fail_to_start = || {
        database.query("ALTER TABLE jobs RENAME COLUMN lease_until TO elsewhere");
        let ended = start().wait().expect(69);
        assert!(
            ended.says("cannot recover the jobs of the previous run"),
            "{ended:#?}"
        );
        assert!(!ended.says("previous run ended"), "{ended:#?}");
        database.query("ALTER TABLE jobs RENAME COLUMN elsewhere TO lease_until");
    };
    service(&home, &database.url, &LONG).start().stop();
    fail_to_start();
    let service = service(&home, &database.url, &LONG).start();
    service.wait_for_line("previous run ended cleanly");
    service.kill9();
    fail_to_start();
    fail_to_start();
    let mut service = start();
    service.ready();
    service.wait_for_line("previous run ended uncleanly");
    service.stop();
}

#[test]
fn a_row_that_no_version_can_read_is_reported_and_left() {
    let (home, database) = (Home::new(), Database::new());
    service(&home, &database.url, &LONG).start().stop();
    database.query(
        "INSERT INTO jobs (id, session, owner, service, spec, state, attempt,
             interruptions, epoch, cancel_requested, lease_until, progress, created_at)
         VALUES (gen_random_uuid(), gen_random_uuid(), '', 0, 'nonsense', 1, 1, 0, 1, false, 0,
             0, 0)",
    );
    let service = service(&home, &database.url, &LONG).start();
    service.wait_for_line("skipped: a row holds JSON that this version does not know");
    service.stop();
    assert_eq!(database.query("SELECT state FROM jobs"), ["1"]);
}

#[test]
fn a_signal_before_the_service_is_ready_leaves_a_crash_to_be_reported() {
    let (home, database) = (Home::new(), Database::new());
    let run = || service(&home, &database.url, &SHORT);
    run().start().kill9();
    // What the crash has left cannot be looked for.
    let locked = database.hold("LOCK TABLE jobs");
    let mut signalled = run().spawn();
    until("it waits for the table", || {
        let waiting = "SELECT count(*) FROM pg_locks
             WHERE relation = 'jobs'::regclass AND NOT granted";
        (database.query(waiting) != ["0"]).then_some(())
    });
    signalled.signal(Signal::SIGTERM);
    let ended = signalled.wait().within(DEADLINE + EXIT_TIMEOUT);
    assert!(!ended.says(log_lines::READY), "{ended:#?}");
    assert_eq!(
        ended.code == Some(0),
        ended.says(log_lines::ALL_DOWN),
        "{ended:#?}"
    );
    drop(locked);
    let service = run().start();
    service.wait_for_line("previous run ended uncleanly");
    service.stop();
}
