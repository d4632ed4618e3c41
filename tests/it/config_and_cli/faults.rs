//! A wrong configuration: every fault at once, each with its key, its value and its rule.

use crate::support::lastcall;

/// Every line that names this key.
pub(super) fn lines<'a>(text: &'a str, key: &str) -> Vec<&'a str> {
    text.lines().filter(|line| line.contains(key)).collect()
}

#[test]
fn all_faults_are_reported_together_with_key_value_and_rule() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("wrong.toml");
    std::fs::write(
        &file,
        "[server]\nbind = \"somewhere\"\nmax_body = 5\n\
         [analysis]\nworkers = 0\nmemory = \"lots\"\n\
         [report]\ntimeout = \"2\"\n\
         [jobs]\nlease = \"1s\"\nheartbeat = \"900ms\"\n\
         [limits.per_owner]\nburst = 9\nstored_bytes = 7\n\
         [shutdown]\nqueued = \"drop\"\nlame_dcuk = \"5s\"\n\
         [log]\nlevel = \"loud\"\n",
    )
    .unwrap();
    for command in ["serve", "check", "health"] {
        let output = lastcall(["--config"])
            .arg(&file)
            .arg(command)
            .output()
            .expect(78);
        for (key, value) in [
            ("server.bind", "somewhere"),
            ("server.max_body", "5"),
            ("analysis.workers", "0"),
            ("analysis.memory", "lots"),
            ("report.timeout", "2"),
            ("jobs.heartbeat", "900ms"),
            ("limits.per_owner.burst", "9"),
            ("limits.per_owner.stored_bytes", "7"),
            ("shutdown.queued", "drop"),
            ("log.level", "loud"),
        ] {
            let found = lines(&output.stderr, key);
            assert!(!found.is_empty(), "{key} is not named: {output:#?}");
            assert!(
                found.iter().any(|line| line.contains(value)),
                "{key}: {found:?}"
            );
            assert!(
                found.iter().any(|line| line.contains("must be")),
                "{key}: {found:?}"
            );
        }
        let unknown = lines(&output.stderr, "shutdown.lame_dcuk");
        assert!(
            unknown[0].contains("= \"5s\": unknown key; did you mean shutdown.lame_duck"),
            "{unknown:?}"
        );
        assert_eq!(output.stdout, "");
    }
}

#[test]
fn an_unknown_table_is_reported_even_if_it_is_empty() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tables.toml");
    let text = "[foo]\n[server]\n[server.tsl]\n[limits]\n[store.url]\n[auth]\nmode = \"none\"\n";
    std::fs::write(&file, text).unwrap();
    let output = lastcall(["--config"]).arg(&file).arg("check").output();
    let output = output.expect(78);
    for expected in [
        "foo: unknown key",
        "server.tsl: unknown key; did you mean server.tls?",
        "store.url: must be a value, not a table",
    ] {
        assert!(output.stderr.contains(expected), "{expected}: {output:#?}");
    }
    assert!(output.stderr.contains("has 3 faults:"), "{output:#?}");
}

#[test]
fn a_default_that_contradicts_a_given_value_is_reported_with_its_value() {
    for (key, value, expected) in [
        (
            "shutdown.deadline",
            "3s",
            "shutdown.lame_duck (the default) = \"5s\": must be at most 0s",
        ),
        (
            "server.bind",
            "0.0.0.0:8080",
            "auth.mode (the default) = \"none\": must be",
        ),
        ("auth.mode", "keys", "auth.keys (the default) = []: must be"),
        (
            "jobs.lease",
            "1s",
            "jobs.heartbeat (the default) = \"1s\": must be at most half",
        ),
    ] {
        let output = lastcall(["check"]).set(key, value).output().expect(78);
        assert!(output.stderr.contains(expected), "{output:#?}");
        assert!(output.stderr.contains("has 1 fault:"), "{output:#?}");
    }
}

#[test]
fn a_value_that_is_wrong_entails_no_fault_of_the_default_that_stands_in_for_it() {
    let output = lastcall(["check"])
        .set("shutdown.deadline", "2s")
        .set("shutdown.lame_duck", "5s")
        .set("shutdown.cancel_before", "soon")
        .set("jobs.lease", "long")
        .set("jobs.heartbeat", "4s")
        .output()
        .expect(78);
    assert!(output.stderr.contains("has 3 faults:"), "{output:#?}");
    for key in ["shutdown.lame_duck", "shutdown.cancel_before", "jobs.lease"] {
        assert_eq!(
            lines(&output.stderr, &format!("  {key} ")).len(),
            1,
            "{key}: {output:#?}"
        );
    }
}

#[test]
fn the_environment_overrides_the_file_and_its_faults_name_the_variable() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file.toml");
    std::fs::write(
        &file,
        "[shutdown]\ndeadline = \"10s\"\nlame_duck = \"1s\"\n",
    )
    .unwrap();
    let check = || lastcall(["check", "--config"]).arg(&file);
    let plain = check().output().expect(0);
    assert!(plain.stdout.contains("10s"), "{plain:#?}");
    let overridden = check().set("shutdown.deadline", "17s").output().expect(0);
    assert!(overridden.stdout.contains("17s"), "{overridden:#?}");
    let wrong = check().set("shutdown.deadline", "soon").output().expect(78);
    assert!(
        wrong.stderr.contains("LASTCALL__SHUTDOWN__DEADLINE"),
        "{wrong:#?}"
    );
    assert!(wrong.stderr.contains("soon"), "{wrong:#?}");
    let unknown = check().set("shutdwn.deadline", "3s").output().expect(78);
    assert!(
        unknown.stderr.contains("did you mean shutdown.deadline"),
        "{unknown:#?}"
    );
}

#[test]
fn phases_that_do_not_fit_in_the_deadline_are_a_fault() {
    for (lame_duck, cancel_before, key) in [
        ("23s", "3s", "shutdown.lame_duck"),
        ("0s", "26s", "shutdown.cancel_before"),
        ("0s", "60ms", "shutdown.cancel_before"),
    ] {
        for command in ["check", "serve"] {
            let output = lastcall([command])
                .set("shutdown.deadline", "25s")
                .set("shutdown.lame_duck", lame_duck)
                .set("shutdown.cancel_before", cancel_before)
                .output()
                .expect(78);
            assert!(output.stderr.contains(key), "{output:#?}");
        }
    }
}

#[test]
fn beyond_loopback_keys_are_needed_or_their_absence_is_confirmed() {
    let check = || lastcall(["check"]).set("server.bind", "0.0.0.0:8080");
    let refused = check().output().expect(78);
    assert!(refused.stderr.contains("auth.mode"), "{refused:#?}");
    check()
        .set("auth.allow_anonymous", "true")
        .output()
        .expect(0);
    let without = check().set("auth.mode", "keys").output().expect(78);
    assert!(without.stderr.contains("auth.keys"), "{without:#?}");
    let digest = "ab".repeat(32);
    let keys = format!("[{{ name = \"web\", sha256 = \"{digest}\", role = \"user\" }}]");
    check()
        .set("auth.mode", "keys")
        .set("auth.keys", &keys)
        .output()
        .expect(0);
    let short = keys.replace(&digest, "ab");
    let refused = check()
        .set("auth.mode", "keys")
        .set("auth.keys", &short)
        .output()
        .expect(78);
    assert!(refused.stderr.contains("sha256"), "{refused:#?}");
}

#[test]
fn a_file_that_is_missing_or_no_toml_is_a_fault() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file.toml");
    let missing = lastcall(["check", "--config"])
        .arg(&file)
        .output()
        .expect(78);
    assert!(missing.stderr.contains("file.toml"), "{missing:#?}");
    std::fs::write(&file, "[shutdown\n").unwrap();
    let broken = lastcall(["--config"]).arg(&file).output().expect(78);
    assert!(broken.stderr.contains("TOML"), "{broken:#?}");
}

#[test]
fn no_secret_is_shown_with_a_fault() {
    let output = lastcall(["check"])
        .set("store.url", "mysql://user:s3cret@host/db")
        .set("auth.mode", "keys")
        .set("auth.keys", "[{ name = \"web\", sha256 = \"s3cret\" }]")
        .output()
        .expect(78);
    assert!(output.stderr.contains("store.url"), "{output:#?}");
    assert!(output.stderr.contains("auth.keys"), "{output:#?}");
    assert!(!output.stderr.contains("s3cret"), "{output:#?}");
}

#[test]
fn no_secret_is_shown_of_a_key_that_there_is_not() {
    for key in [
        "store.password",
        "auth.token",
        "auth.key",
        "blobs.secret_key",
        "server.password",
        "password",
    ] {
        let output = lastcall(["check"]).set(key, "s3cret").output().expect(78);
        assert!(
            lines(&output.stderr, key)[0].contains("unknown key"),
            "{output:#?}"
        );
        assert!(!output.stderr.contains("s3cret"), "{output:#?}");
    }
}

#[test]
fn no_secret_is_shown_of_a_file_that_is_no_toml() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file.toml");
    let url = "url = \"postgres://user:s3cret@host/db";
    for (text, place) in [
        (format!("[store]\n{url}\n"), "line 2, column"),
        (format!("[store]\n{url}\"\n{url}\"\n"), "line 3, column 1:"),
    ] {
        std::fs::write(&file, text).unwrap();
        let output = lastcall(["--config"]).arg(&file).output().expect(78);
        assert!(output.stderr.contains(place), "{output:#?}");
        assert!(!output.stderr.contains("s3cret"), "{output:#?}");
    }
}

#[test]
fn a_url_that_nothing_can_be_opened_at_is_a_fault_before_the_start() {
    for (key, url) in [
        ("store.url", "postgres://user:s3cret@host:port/db"),
        ("store.url", "postgres://user:s3cret@host/db?sslmode=maybe"),
        ("store.url", "postgres://user:s3cret@/db"),
        ("blobs.url", "s3:///prefix"),
        ("blobs.url", "s3://key:s3cret@bucket/prefix"),
        ("blobs.url", "s3://bucket/prefix?secret=s3cret"),
    ] {
        for command in ["check", "serve"] {
            let output = lastcall([command]).set(key, url).output().expect(78);
            assert!(
                lines(&output.stderr, key)[0].contains("must be"),
                "{output:#?}"
            );
            assert!(!output.stderr.contains("s3cret"), "{output:#?}");
        }
    }
}

#[test]
fn a_value_may_be_in_a_file_and_faults_of_the_file_are_reported() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("deadline"), "17s\n").unwrap();
    std::fs::write(
        path("url"),
        "postgres://lastcall:s3cret@h/d?sslmode=never\n",
    )
    .unwrap();
    let check = || lastcall(["check"]);
    let read = check()
        .env("LASTCALL__SHUTDOWN__DEADLINE_FILE", path("deadline"))
        .output()
        .expect(0);
    assert!(read.stdout.contains("17s"), "{read:#?}");

    let wrong = check()
        .env("LASTCALL__SHUTDOWN__DEADLINE_FILE", path("missing"))
        .env("LASTCALL__STORE__URL_FILE", path("url"))
        .set("jobs.lease", "7s")
        .env("LASTCALL__JOBS__LEASE_FILE", path("deadline"))
        .set("log.level", "loud")
        // What has no end.
        .env("LASTCALL__SERVER__BIND_FILE", "/dev/zero")
        .output()
        .expect(78);
    for expected in [
        "server.bind (from LASTCALL__SERVER__BIND_FILE) = \"/dev/zero\": must not be larger than",
        "shutdown.deadline (from LASTCALL__SHUTDOWN__DEADLINE_FILE) = ",
        "missing\": cannot be read: No such file",
        "store.url (from LASTCALL__STORE__URL_FILE) = \"postgres://…@h/d\": must be",
        "jobs.lease (from LASTCALL__JOBS__LEASE_FILE) = ",
        "LASTCALL__JOBS__LEASE gives the value as well",
        "log.level (from LASTCALL__LOG__LEVEL) = \"loud\": must be",
        "has 5 faults:",
    ] {
        assert!(wrong.stderr.contains(expected), "{expected}: {wrong:#?}");
    }
    assert!(!wrong.stderr.contains("s3cret"), "{wrong:#?}");
}
