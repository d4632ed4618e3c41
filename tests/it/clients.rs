//! What clients that others wrote see: a validator, a generated client, a browser.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::Home;

/// The Python that `scripts/install.sh` has put the clients into.
fn python() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let python = target.join("clients-venv/bin/python");
    assert!(
        python.exists(),
        "{} is missing: run scripts/install.sh",
        python.display()
    );
    python
}

/// Runs a script of `tests/clients` against a service.
#[track_caller]
fn run(script: &str) {
    let home = Home::new();
    let service = home.start();
    let address = format!("http://{}", service.address());
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    let output = Command::new(python())
        .arg(scripts.join(script))
        .arg(&address)
        .arg(home.path())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("NO_PROXY", "127.0.0.1")
        .current_dir(home.path())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(
        output.status.success(),
        "{script}: {}\n{said}",
        output.status
    );
    service.stop();
}

#[test]
fn the_openapi_document_is_valid_and_random_requests_are_answered_as_it_says() {
    run("random_requests.py");
}

#[test]
fn a_generated_client_uploads_a_file_and_fetches_a_pdf() {
    run("generated.py");
}

#[test]
fn prometheus_reads_the_metrics_and_finds_the_trace_of_what_was_slow() {
    run("metrics.py");
}

#[test]
fn the_pages_and_reports_work_in_a_browser_and_break_no_rule_of_accessibility() {
    run("pages.py");
}
