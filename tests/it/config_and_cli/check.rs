//! `lastcall check`, and the configurations that come with the service.

use std::path::PathBuf;

use crate::support::lastcall;

fn shipped(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("config")
        .join(name)
}

#[test]
fn check_prints_the_timeline_of_the_shutdown() {
    let output = lastcall(["check"])
        .set("shutdown.deadline", "30s")
        .set("shutdown.lame_duck", "5s")
        .set("shutdown.cancel_before", "4s")
        .output()
        .expect(0);
    let phases: Vec<Vec<&str>> = output
        .stdout
        .lines()
        .map(|line| line.split_whitespace().collect())
        .filter(|words: &Vec<&str>| words.len() == 4 && words[2] == "..")
        .collect();
    assert_eq!(
        phases,
        [
            ["lame_duck", "0s", "..", "5s"],
            ["draining", "5s", "..", "26s"],
            ["handing_back", "26s", "..", "28s"],
            ["closing", "28s", "..", "30s"],
        ],
        "{output:#?}"
    );
    assert_eq!(output.stderr, "");
}

#[test]
fn check_leaves_nothing_behind_and_shows_no_password() {
    let folder = tempfile::tempdir().unwrap();
    let output = lastcall(["check"])
        .in_folder(folder.path())
        .set("store.url", "postgres://user:s3cret@db.example/lastcall")
        .output()
        .expect(0);
    assert!(output.stdout.contains("db.example"), "{output:#?}");
    assert!(!output.stdout.contains("s3cret"), "{output:#?}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_configurations_that_come_with_it_are_valid() {
    lastcall(["check", "--config"])
        .arg(shipped("dev.toml"))
        .output()
        .expect(0);
    let digest = "0f".repeat(32);
    let keys = format!("[{{ name = \"web\", sha256 = \"{digest}\" }}]");
    let prod = || lastcall(["check", "--config"]).arg(shipped("prod.toml"));
    prod().set("auth.keys", keys).output().expect(0);
    let without_keys = prod().output().expect(78);
    assert!(
        without_keys.stderr.contains("auth.keys"),
        "{without_keys:#?}"
    );
}
