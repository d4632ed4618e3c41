//! TLS on the listener, with curl as the client.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use crate::support::service::Builder;
use crate::support::{Home, Service, lastcall};

/// Makes a certificate that nobody else has signed, and its key.
fn certificate(folder: &Path, name: &str) {
    let file = |ending: &str| {
        folder
            .join(format!("{name}.{ending}"))
            .display()
            .to_string()
    };
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"])
        .args(["-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-subj", &format!("/CN={name}")])
        .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"])
        .args(["-keyout", &file("key"), "-out", &file("crt")])
        .output()
        .expect("openssl makes certificates for the tests");
    assert!(made.status.success(), "{made:?}");
}

/// Puts a certificate in the place where the service reads it, at once.
fn install(folder: &Path, name: &str) {
    for ending in ["key", "crt"] {
        let new = folder.join("new");
        std::fs::copy(folder.join(format!("{name}.{ending}")), &new).unwrap();
        std::fs::rename(&new, folder.join(format!("tls.{ending}"))).unwrap();
    }
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

fn start(home: &Home) -> Service {
    certificate(home.path(), "one");
    install(home.path(), "one");
    home.service()
        .set("server.tls.certificate", path(home.path(), "tls.crt"))
        .set("server.tls.key", path(home.path(), "tls.key"))
        .start()
}

/// The output of curl, which trusts the certificate of this name; `None` if it does not trust the
/// service.
fn curl(home: &Home, service: &Service, trusted: &str, arguments: &[&str]) -> Option<String> {
    let url = format!("https://{}{}", service.address(), arguments[0]);
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--max-time", "60", "--cacert"])
        .arg(home.path().join(trusted))
        .args(&arguments[1..])
        .arg(url)
        .output()
        .expect("curl is installed");
    match output.status.code() {
        Some(0) => Some(String::from_utf8(output.stdout).unwrap()),
        Some(60) => None,
        _ => panic!("{output:?}"),
    }
}

#[test]
fn a_client_speaks_http_2_or_http_1_as_it_likes() {
    let home = Home::new();
    let service = start(&home);
    let ask = |version: &str| {
        let told = ["--write-out", " %{http_version}", version];
        curl(
            &home,
            &service,
            "one.crt",
            &[&["/readyz"], &told[..]].concat(),
        )
    };
    assert_eq!(ask("--http2").unwrap(), r#"{"status":"ready"} 2"#);
    assert_eq!(ask("--http1.1").unwrap(), r#"{"status":"ready"} 1.1"#);

    let created = curl(
        &home,
        &service,
        "one.crt",
        &["/v1/sessions", "--json", "{}"],
    )
    .unwrap();
    let session: serde_json::Value = serde_json::from_str(&created).unwrap();
    let session = format!("/v1/sessions/{}", session["id"].as_str().unwrap());
    // More than a window of HTTP/2 holds.
    let rows: String = (0..600_000).map(|row| format!("{row}\n")).collect();
    let file = home.path().join("rows.csv");
    std::fs::write(&file, format!("row\n{rows}")).unwrap();
    let dataset = format!("{session}/datasets/rows");
    let upload = [
        dataset.as_str(),
        "--header",
        "content-type: text/csv",
        "--upload-file",
    ];
    let file = file.display().to_string();
    curl(
        &home,
        &service,
        "one.crt",
        &[&upload[..], &[file.as_str()]].concat(),
    )
    .unwrap();
    let analyses = format!("{session}/analyses");
    let profile = [
        analyses.as_str(),
        "--header",
        "prefer: wait=60",
        "--json",
        r#"{"dataset": "rows"}"#,
    ];
    let job = curl(&home, &service, "one.crt", &profile).unwrap();
    let job: serde_json::Value = serde_json::from_str(&job).unwrap();
    assert_eq!(job["state"], "succeeded", "{job}");
    let result = job["links"]["result"].as_str().unwrap();
    let result = curl(&home, &service, "one.crt", &[result, "--compressed"]).unwrap();
    let result: serde_json::Value = serde_json::from_str(&result).unwrap();
    assert_eq!(result["dataset"]["rows"], 600_000);
    service.stop();
}

#[test]
fn over_http_2_too_a_shutdown_is_followed_to_its_end() {
    let home = Home::new();
    let mut service = start(&home);
    let follow = |version: &str| {
        Command::new("curl")
            .args([
                "--silent",
                "--no-buffer",
                "--max-time",
                "60",
                "--noproxy",
                "*",
                version,
            ])
            .arg("--cacert")
            .arg(home.path().join("one.crt"))
            .arg(format!("https://{}/v1/system/events", service.address()))
            .stdout(Stdio::piped())
            .spawn()
            .expect("curl is installed")
    };
    let clients = ["--http2", "--http1.1"].map(follow);
    let begun = clients.map(|mut client| {
        let mut told = BufReader::new(client.stdout.take().unwrap());
        let mut line = String::new();
        while line.trim_end() != "event: system" {
            line.clear();
            assert_ne!(told.read_line(&mut line).unwrap(), 0, "it has begun");
        }
        (client, told)
    });
    service.signal(Signal::SIGTERM);
    service.wait().expect(0);
    for (mut client, mut told) in begun {
        let mut text = String::new();
        told.read_to_string(&mut text).unwrap();
        assert!(
            text.contains("event: end\ndata: {\"reason\":\"stopped\""),
            "{text}"
        );
        assert!(client.wait().unwrap().success(), "{text}");
    }
}

#[test]
fn another_certificate_is_taken_without_a_restart_and_a_bad_one_is_not() {
    let home = Home::new();
    let mut service = start(&home);
    certificate(home.path(), "two");
    certificate(home.path(), "three");
    let trusts = |service: &Service, name| curl(&home, service, name, &["/livez"]).is_some();
    assert!(trusts(&service, "one.crt") && !trusts(&service, "two.crt"));

    install(home.path(), "two");
    service.signal(Signal::SIGHUP);
    service.wait_for_line("SIGHUP received: certificate reloaded");
    assert!(trusts(&service, "two.crt") && !trusts(&service, "one.crt"));

    std::fs::write(home.path().join("tls.crt"), "no certificate").unwrap();
    service.wait_for_line("a file of the certificate changed: certificate unchanged");
    assert!(trusts(&service, "two.crt"));

    // No signal announces this one.
    install(home.path(), "three");
    service.wait_for_line("a file of the certificate changed: certificate reloaded");
    assert!(trusts(&service, "three.crt"));
    service.stop();
}

#[test]
fn a_certificate_that_cannot_be_used_is_a_fault_of_the_configuration() {
    let home = Home::new();
    let folder = home.path();
    certificate(folder, "one");
    certificate(folder, "two");
    let key = std::fs::read_to_string(folder.join("two.key")).unwrap();
    let cases = [
        ("missing.crt", "one.key", "server.tls.certificate"),
        ("one.key", "one.key", "it holds no certificate in PEM"),
        ("one.crt", "one.crt", "it holds no private key in PEM"),
        ("one.crt", "two.key", "it is not the key of the certificate"),
    ];
    for (certificate, private, reason) in cases {
        let set = |builder: Builder| {
            builder
                .set("server.tls.certificate", path(folder, certificate))
                .set("server.tls.key", path(folder, private))
        };
        let ended = set(home.service()).spawn().wait().expect(78);
        assert!(ended.says(reason), "{ended:#?}");
        let secret = key.lines().nth(1).unwrap();
        assert!(!ended.says(secret));
    }
    let ended = home
        .service()
        .set("server.tls.certificate", path(folder, "one.crt"))
        .spawn()
        .wait()
        .expect(78);
    assert!(ended.says("server.tls.key"), "{ended:#?}");
}

#[test]
fn health_and_check_know_of_tls() {
    let home = Home::new();
    let service = start(&home);
    let run = |command: &str, key: &str| {
        lastcall([command])
            .set("server.bind", service.address())
            .set("store.url", home.store_url())
            .set("server.tls.certificate", path(home.path(), "tls.crt"))
            .set("server.tls.key", path(home.path(), key))
            .output()
    };
    let told = run("health", "tls.key").expect(0).stdout;
    assert!(told.contains("alive, ready"), "{told}");
    let told = run("check", "tls.key").expect(0).stdout;
    assert!(told.contains("TLS, HTTP/2 and HTTP/1.1"), "{told}");
    run("check", "missing.key").expect(78);
    service.stop();
}
