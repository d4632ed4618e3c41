//! Third-party clients: a validator, a generated client, a browser.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use lastcall_actors::log_lines;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::support::{Home, Service, data, held};

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

/// A script of `tests/clients`, to be run against this service.
fn script(name: &str, home: &Home, service: &Service) -> Command {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients");
    let mut command = Command::new(python());
    command
        .arg(scripts.join(name))
        .arg(format!("http://{}", service.address()))
        .arg(home.path())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("NO_PROXY", "127.0.0.1")
        .current_dir(home.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Waits for a script, which has to succeed.
#[track_caller]
fn finish(name: &str, script: Child) {
    let output = script.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{name}: {}\n{said}", output.status);
}

/// Runs a script of `tests/clients` against a service.
#[track_caller]
fn run(name: &str) {
    let home = Home::new();
    let service = home.start();
    finish(name, script(name, &home, &service).spawn().unwrap());
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

#[test]
fn the_live_page_shows_a_shutdown_to_its_end_and_goes_on_when_the_service_is_back() {
    let home = Home::new();
    let key = "key-of-the-operators";
    let digest = Sha256::digest(key);
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let keys = json!([{ "name": "ops", "sha256": digest, "role": "admin" }]).to_string();
    let builder = || {
        home.service()
            .set("auth.mode", "keys")
            .set("auth.keys", keys.as_str())
    };
    let service = builder()
        .set("shutdown.deadline", "30s")
        .set("shutdown.lame_duck", "3s")
        .set("shutdown.cancel_before", "10s")
        .start();
    let client = service.client().with_key(key);
    let session = client.session();
    client.upload(&session, "birds", data::BIRDS);
    let [blob] = &home.blobs()[..] else {
        panic!("there is one blob");
    };
    let bytes = std::fs::read(blob).unwrap();
    // Work that ignores cancellation: every phase takes its time.
    held::make_the_blob_block(&home);
    let job = client.profile(&session, "birds");
    client.wait_for(&job, "running");
    let address = service.address().to_owned();
    let mut script = script("shutdown.py", &home, &service);
    let script = script
        .args([&service.pid().to_string(), key])
        .spawn()
        .unwrap();
    service.wait_for_line(log_lines::SHUTTING_DOWN);
    service.wait().expect(75);
    std::fs::remove_file(blob).unwrap();
    std::fs::write(blob, bytes).unwrap();
    let service = builder().set("server.bind", address).start();
    finish("shutdown.py", script);
    service.client().with_key(key).succeeded(&job);
    service.stop();
}
