//! The command line itself.

use std::process::Command;

use serde_json::Value;

use crate::support::{Home, lastcall};

#[test]
fn help_is_there_on_every_level() {
    for arguments in [&["--help"][..], &["-h"], &["help"]] {
        let mut run = lastcall([]);
        for argument in arguments {
            run = run.arg(argument);
        }
        let output = run.output().expect(0);
        for command in [
            "serve", "check", "profile", "openapi", "health", "backup", "--config",
        ] {
            assert!(output.stdout.contains(command), "{command}: {output:#?}");
        }
    }
    for command in ["serve", "check", "profile", "openapi", "health", "backup"] {
        let output = lastcall([command, "--help"]).output().expect(0);
        assert!(output.stdout.contains("Usage: lastcall"), "{output:#?}");
    }
    let version = lastcall(["--version"]).output().expect(0);
    assert!(version.stdout.starts_with("lastcall "), "{version:#?}");
}

#[test]
fn a_wrong_command_line_ends_with_2_and_says_where_help_is() {
    for arguments in [
        &["nonsense"][..],
        &["--nonsense"],
        &["profile"],
        &["backup"],
        &["serve", "extra"],
        &["check", "--config"],
    ] {
        let mut run = lastcall([]);
        for argument in arguments {
            run = run.arg(argument);
        }
        let output = run.output().expect(2);
        assert!(output.stderr.contains("--help"), "{output:#?}");
        assert_eq!(output.stdout, "");
    }
}

#[test]
fn openapi_prints_the_document_that_the_service_serves() {
    let output = lastcall(["openapi"]).output().expect(0);
    let printed: Value = serde_json::from_str(&output.stdout).unwrap();
    assert!(printed["openapi"].as_str().unwrap().starts_with("3.1"));
    let home = Home::new();
    let service = home.start();
    let served = service.client().get("/openapi.json").expect(200).json();
    assert_eq!(printed, served);
    service.stop();
}

#[test]
fn an_answer_that_cannot_be_written_is_no_success() {
    for command in ["openapi", "check"] {
        let full = std::fs::File::options().write(true).open("/dev/full");
        let output = Command::new(env!("CARGO_BIN_EXE_lastcall"))
            .arg(command)
            .env_clear()
            .stdout(full.unwrap())
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(74), "{command}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains("standard output"), "{told}");
    }
}

#[test]
fn the_service_runs_with_or_without_its_name() {
    let home = Home::new();
    // Without a command it is the service: that is how all other tests start it.
    let service = home.start();
    let taken = service.address().to_owned();
    let output = lastcall(["serve"])
        .set("server.bind", taken)
        .set(
            "store.url",
            format!("sqlite://{}/other.db", home.path().display()),
        )
        .set("blobs.url", home.blobs_url())
        .set("state.dir", home.path().join("other").display().to_string())
        .output()
        .expect(69);
    assert!(output.stderr.contains("server.bind"), "{output:#?}");
    service.stop();
}
