//! PDFs are set in processes of their own: called off at once, killed with the service, and no
//! memory of theirs is the service's.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::json;

use crate::support::{Home, process, until};

/// A dataset whose report takes a while to set.
fn wide() -> String {
    let names: Vec<_> = (0..12).map(|i| format!("column_{i}")).collect();
    let mut csv = names.join(",");
    for row in 0..50 {
        let cells: Vec<_> = (0..12).map(|i| format!("{}", i * row % 37)).collect();
        csv.push('\n');
        csv.push_str(&cells.join(","));
    }
    csv
}

/// The processes of a service that set PDFs.
pub(crate) fn typesetters(service: i32) -> Vec<i32> {
    let children = process::children(service).into_iter();
    children
        .filter(|child| {
            process::threads(*child)
                .iter()
                .any(|name| name == "lastcall-pdf")
        })
        .collect()
}

#[test]
fn a_pdf_that_is_cancelled_is_killed_with_its_process() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session();
    client.upload(&session, "wide", &wide());
    let id = client.report(&session, &json!({ "dataset": "wide", "format": "pdf" }));
    let pid = until("it is set", || typesetters(service.pid()).first().copied());
    client.delete(&format!("/v1/jobs/{id}")).expect(202);
    client.wait_for(&id, "cancelled");
    assert!(!process::is_alive(pid));
    assert_eq!(typesetters(service.pid()), Vec::<i32>::new());
    service.stop();
    assert_eq!(home.scratch(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_pdf_whose_process_is_killed_is_set_by_another() {
    let home = Home::new();
    let service = home.start();
    let client = service.client();
    let session = client.session();
    client.upload(&session, "wide", &wide());
    let id = client.report(&session, &json!({ "dataset": "wide", "format": "pdf" }));
    let pid = until("it is set", || typesetters(service.pid()).first().copied());
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    assert!(client.result(&id).body.starts_with(b"%PDF"));
    assert_eq!(client.job(&id)["attempt"], 1);
    service.stop();
}

#[test]
fn a_shutdown_ends_the_process_of_a_pdf_and_hands_its_job_back() {
    let home = Home::new();
    let service = home
        .service()
        .set("shutdown.deadline", "1s")
        .set("shutdown.cancel_before", "1s")
        .start();
    let client = service.client();
    let session = client.session();
    client.upload(&session, "wide", &wide());
    let id = client.report(&session, &json!({ "dataset": "wide", "format": "pdf" }));
    let pid = until("it is set", || typesetters(service.pid()).first().copied());
    service.terminate().expect(75);
    assert!(!process::is_alive(pid));
    assert_eq!(home.scratch(), Vec::<std::path::PathBuf>::new());

    let service = home.start();
    assert!(service.client().result(&id).body.starts_with(b"%PDF"));
    service.stop();
}

#[test]
fn one_process_sets_many_pdfs_and_the_service_does_not_grow_by_them() {
    let home = Home::new();
    let service = home.service().set("report.workers", "1").start();
    let client = service.client();
    let session = client.session_with_birds();
    let report = json!({ "dataset": "birds", "format": "pdf" });
    client.result(&client.report(&session, &report));
    let (setters, before) = (typesetters(service.pid()), process::resident(service.pid()));
    assert_eq!(setters.len(), 1);
    for _ in 0..4 {
        assert!(
            client
                .result(&client.report(&session, &report))
                .body
                .starts_with(b"%PDF")
        );
    }
    assert_eq!(typesetters(service.pid()), setters);
    // A typesetter within it would hold its fonts and what it interns.
    let risen = process::resident(service.pid()).saturating_sub(before);
    assert!(risen < 8 << 20, "{risen} bytes more");
    service.stop();
}
