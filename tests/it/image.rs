//! The files of the container image, laid out by the script that the Dockerfile runs.

use std::path::Path;
use std::process::{Command, Output};

const KEYS: &str = r#"[{"name":"web","sha256":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}]"#;

/// Lays the program out below `out`.
fn lay_out(program: &Path, out: &Path) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/layout.sh");
    Command::new(script).arg(program).arg(out).output().unwrap()
}

fn laid_out() -> tempfile::TempDir {
    let (from, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let program = from.path().join("lastcall");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_lastcall"), &program).unwrap();
    std::fs::write(from.path().join("lastcall.cdx.json"), "{}").unwrap();
    let done = lay_out(&program, out.path());
    assert!(done.status.success(), "{done:?}");
    out
}

#[test]
fn an_image_is_not_laid_out_without_what_belongs_to_it() {
    let (from, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let program = from.path().join("lastcall");
    // Its bill of materials is missing.
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_lastcall"), &program).unwrap();
    assert!(!lay_out(&program, out.path()).status.success());
    // It is no program, so that its libraries cannot be determined.
    std::fs::remove_file(&program).unwrap();
    std::fs::write(&program, "text").unwrap();
    std::fs::write(from.path().join("lastcall.cdx.json"), "{}").unwrap();
    assert!(!lay_out(&program, out.path()).status.success());
}

/// Runs the image's program with the image's configuration, as its ENTRYPOINT does.
fn run(out: &Path, command: &str, keys: Option<&str>) -> Output {
    let mut program = Command::new(out.join("usr/local/bin/lastcall"));
    program
        .arg("--config")
        .arg(out.join("etc/lastcall/prod.toml"))
        .arg(command);
    if let Some(keys) = keys {
        program.env("LASTCALL__AUTH__KEYS", keys);
    }
    program.output().unwrap()
}

#[test]
fn the_image_s_configuration_is_valid_once_it_is_given_keys() {
    let out = laid_out();
    let checked = run(out.path(), "check", Some(KEYS));
    assert_eq!(checked.status.code(), Some(0), "{checked:?}");
    let text = String::from_utf8(checked.stdout).unwrap();
    assert!(text.contains("0.0.0.0:8080"), "{text}");

    let refused = run(out.path(), "check", None);
    assert_eq!(refused.status.code(), Some(78));
    let text = String::from_utf8(refused.stderr).unwrap();
    assert!(text.contains("auth.keys"), "{text}");
}

#[test]
fn the_image_s_health_check_fails_where_nothing_answers() {
    let out = laid_out();
    let config = out.path().join("etc/lastcall/prod.toml");
    let asked = Command::new(out.path().join("usr/local/bin/lastcall"))
        .arg("--config")
        .arg(config)
        .arg("health")
        .env("LASTCALL__AUTH__KEYS", KEYS)
        // A port that nobody can have taken: it is reserved.
        .env("LASTCALL__SERVER__BIND", "127.0.0.1:1")
        .output()
        .unwrap();
    assert_eq!(asked.status.code(), Some(69), "{asked:?}");
}
