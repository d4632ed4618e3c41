//! The deadline holds, whatever hangs: work, the disk, the main thread.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use lastcall_actors::log_lines;
use nix::fcntl::OFlag;
use nix::sys::signal::Signal;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use serde_json::{Value, json};

use super::EXIT_TIMEOUT;
use crate::support::held::make_the_blob_block;
use crate::support::service::Builder;
use crate::support::{Ended, Home, data, until};

const DEADLINE: Duration = Duration::from_secs(2);

fn with_deadline(service: Builder) -> Builder {
    service
        .set("shutdown.deadline", "2s")
        .set("shutdown.cancel_before", "1s")
}

/// The report that the log shows last.
#[track_caller]
fn report_of(ended: &Ended) -> Value {
    let lines = ended.log.iter().rev();
    let line = lines
        .filter_map(|line| line.strip_prefix("shutdown report: "))
        .next();
    serde_json::from_str(line.expect("the log shows a report")).unwrap()
}

#[test]
fn a_document_that_is_being_typeset_does_not_move_it() {
    let home = Home::new();
    let mut service = with_deadline(home.service()).start();
    let client = service.client();
    let session = client.session();
    client.upload(&session, "wide", &data::wide(400));
    let report = client.report(&session, &json!({ "dataset": "wide", "format": "pdf" }));
    client.wait_for(&report, "running");
    service.signal(Signal::SIGTERM);
    let ended = service.wait().within(DEADLINE + EXIT_TIMEOUT);
    let done = ended.says(log_lines::ALL_DOWN);
    assert_eq!(ended.code, Some(if done { 0 } else { 75 }), "{ended:#?}");
}

#[test]
fn a_job_that_hangs_is_handed_back_and_in_no_other_figure() {
    let home = Home::new();
    let mut service = with_deadline(home.service()).start();
    let client = service.client();
    let session = client.session();
    client.upload(&session, "deaf", data::BIRDS);
    make_the_blob_block(&home);
    let job = client.profile(&session, "deaf");
    client.wait_for(&job, "running");
    service.signal(Signal::SIGTERM);
    let ended = service.wait().expect(75).within(DEADLINE + EXIT_TIMEOUT);
    let report = home.report();
    let figures = ["finished", "handed_back", "left"].map(|name| &report[name]);
    assert_eq!(figures, [&json!(0), &json!(1), &json!(0)], "{report:#}");
    let threads = report["threads_left"].as_array().unwrap();
    assert!(!threads.is_empty(), "the work still runs: {report:#}");
    for guard in ["signals", "watchdog", "watchdog-report", "log-writer"] {
        assert!(!threads.contains(&json!(guard)), "{report:#}");
    }
    assert_eq!(report_of(&ended), report);
}

/// Opens a pipe once the other end is open, so that the test can wait for that.
#[track_caller]
fn somebody_waits_for(pipe: &Path, readers: bool) -> std::fs::File {
    until("somebody opens the pipe", || {
        let mut options = OpenOptions::new();
        let options = options.write(readers).read(!readers);
        let options = options.custom_flags(OFlag::O_NONBLOCK.bits());
        options.open(pipe).ok()
    })
}

#[test]
fn a_main_thread_that_hangs_during_the_start_does_not_move_it() {
    let home = Home::new();
    let pipe = home.path().join("shutdown-report.json");
    mkfifo(&pipe, Mode::S_IRWXU).unwrap();
    let mut service = with_deadline(home.service()).spawn();
    // Nothing is ever written: the start reads the last report forever.
    let _silence = somebody_waits_for(&pipe, true);
    service.signal(Signal::SIGTERM);
    let ended = service.wait().expect(75).within(DEADLINE + EXIT_TIMEOUT);
    assert!(ended.says("the deadline passed"), "{ended:#?}");
    assert!(!ended.says(log_lines::ALL_DOWN), "{ended:#?}");
}

#[test]
fn a_second_signal_is_handled_while_the_main_thread_hangs() {
    let home = Home::new();
    let pipe = home.path().join("shutdown-report.json");
    mkfifo(&pipe, Mode::S_IRWXU).unwrap();
    let mut service = home
        .service()
        .set("shutdown.deadline", "600s")
        .set("shutdown.cancel_before", "2s")
        .spawn();
    let _silence = somebody_waits_for(&pipe, true);
    service.signal(Signal::SIGTERM);
    service.signal(Signal::SIGINT);
    service.wait().expect(75).within(DEADLINE + EXIT_TIMEOUT);
}

#[test]
fn a_disk_that_hangs_when_the_report_is_written_does_not_move_it() {
    let home = Home::new();
    let mut service = with_deadline(home.service()).start();
    // Opening it to write waits for a reader, in the kernel.
    let part = home.path().join("shutdown-report.json.part");
    std::fs::remove_file(&part).unwrap();
    mkfifo(&part, Mode::S_IRWXU).unwrap();
    service.signal(Signal::SIGTERM);
    let ended = service.wait().expect(75).within(DEADLINE + EXIT_TIMEOUT);
    assert!(!ended.says(log_lines::ALL_DOWN), "{ended:#?}");
    let report = report_of(&ended);
    assert_eq!(
        (&report["clean"], &report["exit_code"]),
        (&json!(false), &json!(75))
    );
    assert_eq!(report["threads_left"], json!([]), "{report:#}");
}
